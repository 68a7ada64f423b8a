package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"stella/store"
	"stella/webhook"
	"stella/workflow"
)

type webhookCommands struct {
	Add        webhookAddCommand        `cmd:"" help:"Have a client told of its mailboxes, and print the secret that signs, once."`
	List       webhookListCommand       `cmd:"" help:"List the webhooks, and how they do."`
	Test       webhookTestCommand       `cmd:"" help:"Send a test event at once, and print what came back."`
	Deliveries webhookDeliveriesCommand `cmd:"" help:"List deliveries and what became of them."`
	Redeliver  webhookRedeliverCommand  `cmd:"" help:"Make the deliveries again that were given up, or one of any."`
	Rotate     webhookRotateCommand     `cmd:"" help:"Give a webhook a new secret; the one before signs too for a while."`
	Disable    webhookDisableCommand    `cmd:"" help:"Send nothing more to a webhook, and give up what is under way."`
	Enable     webhookEnableCommand     `cmd:"" help:"Send to a disabled webhook again, from now on."`
}

// keyFile is the server's keys, from which secrets are computed.
type keyFile struct {
	KeyFile []string `env:"STELLA_KEY_FILE" placeholder:"FILE" help:"The service's secret, from which those of webhooks are computed."`
}

func (k keyFile) read(wrong *problems) workflow.Keys {
	keys, err := readKeys(k.KeyFile)
	if errors.Is(err, errMissing) {
		err = fmt.Errorf("%w: it is the service's secret (of the demo: the file \"key\" in its --dir)", err)
	}
	wrong.add("STELLA_KEY_FILE", err)
	return keys
}

type webhookAddCommand struct {
	database
	keyFile
	webhookConfig
	Client string   `arg:"" help:"The client, as \"stella client list\" names it. It is told of the mailboxes of its domains."`
	URL    string   `arg:"" name:"url" help:"Where to send events, such as https://webmail.example/hooks."`
	Kind   []string `placeholder:"KIND" enum:"${kinds}" help:"Only events of this kind, such as qualification.completed; may be repeated."`
}

func (webhookAddCommand) Help() string {
	return "The events:\n\n  " + strings.ReplaceAll(joined(workflow.AnnouncementKinds), ",", "\n  ") + "\n\nEach is signed (Standard Webhooks). See docs/webhooks.md for what a receiver has to do."
}

func (c webhookAddCommand) Run(ctx context.Context) error {
	var wrong problems
	keys, allow := c.keyFile.read(&wrong), c.webhookConfig.check(&wrong)
	wrong.add("URL", webhook.CheckURL(c.URL, allow))
	if err := wrong.join(); err != nil {
		return err
	}
	db, err := c.use(ctx)
	if err != nil {
		return err
	}
	defer db.close()
	var kinds []workflow.AnnouncementKind
	for _, k := range c.Kind {
		kinds = append(kinds, workflow.AnnouncementKind(k))
	}
	p := &workflow.Procedure{Store: db.Store, Keys: keys, Now: time.Now}
	id, secret, err := p.AddWebhook(ctx, c.Client, c.URL, kinds)
	if errors.Is(err, store.ErrExists) {
		return fmt.Errorf("%s has a webhook with this URL: see \"stella webhook list\"", c.Client)
	}
	if err != nil {
		return noClient(c.Client, err)
	}
	fmt.Printf("Webhook %d of %s. Its secret; it is not shown again:\n%s\n", id, c.Client, secret)
	return nil
}

// webhookID names a webhook.
type webhookID struct {
	ID int64 `arg:"" name:"webhook" help:"The webhook's number, as \"stella webhook list\" names it."`
}

func (w webhookID) known(err error) error {
	if errors.Is(err, workflow.ErrUnknown) {
		return fmt.Errorf("there is no webhook %d: \"stella webhook list\" lists those that there are", w.ID)
	}
	return err
}

type webhookListCommand struct {
	database
}

func (c webhookListCommand) Run(ctx context.Context) error {
	db, err := c.use(ctx)
	if err != nil {
		return err
	}
	defer db.close()
	all, err := db.Webhooks(ctx)
	if err != nil {
		return err
	}
	t := newTable(os.Stdout)
	t.row("WEBHOOK", "CLIENT", "URL", "KINDS", "STATE", "WAITING", "SINCE")
	for _, w := range all {
		kinds := strings.ReplaceAll(joined(w.Kinds), "qualification.", "")
		t.row(strconv.FormatInt(w.ID, 10), w.Client, w.URL, cmp.Or(kinds, "all"), webhookState(w.Webhook),
			strconv.Itoa(w.Waiting), moment(w.OldestAt))
	}
	return t.flush()
}

// webhookState says how a webhook does.
func webhookState(w workflow.Webhook) string {
	switch since := moment(w.DisabledAt); {
	case w.Disabled == workflow.DisabledGone:
		return "disabled since " + since + ": it answered 410 Gone"
	case w.Disabled == workflow.DisabledFailing:
		return "disabled since " + since + ": nothing was delivered since " + moment(w.FailingSince)
	case w.Disabled != "":
		return "disabled since " + since
	case w.Failures > 0:
		return fmt.Sprintf("nothing delivered since %s, in %d attempts", moment(w.FailingSince), w.Failures)
	}
	return "good"
}

type webhookRotateCommand struct {
	database
	keyFile
	webhookID
	Overlap time.Duration `default:"24h" placeholder:"TIME" help:"For how long the former secret signs too; 0 when it was stolen (default: ${default})."`
}

func (c webhookRotateCommand) Run(ctx context.Context) error {
	if c.Overlap < 0 {
		return errors.New("--overlap is negative")
	}
	db, err := c.use(ctx)
	if err != nil {
		return err
	}
	defer db.close()
	if _, err := db.Webhook(ctx, c.ID); err != nil {
		return c.known(err)
	}
	var wrong problems
	keys := c.keyFile.read(&wrong)
	if err := wrong.join(); err != nil {
		return err
	}
	p := &workflow.Procedure{Store: db.Store, Keys: keys, Now: time.Now}
	until := time.Now().Add(c.Overlap)
	secret, err := p.RotateWebhook(ctx, c.ID, until)
	if err != nil {
		return c.known(err)
	}
	fmt.Printf("New secret of webhook %d; it is not shown again:\n%s\n", c.ID, secret)
	if c.Overlap > 0 {
		fmt.Printf("The former one signs too until %s.\n", moment(until))
	}
	return nil
}

type webhookDisableCommand struct {
	database
	webhookID
}

func (c webhookDisableCommand) Run(ctx context.Context) error {
	db, err := c.use(ctx)
	if err != nil {
		return err
	}
	defer db.close()
	if err := db.DisableWebhook(ctx, c.ID, workflow.DisabledByOperator, time.Now()); err != nil {
		return c.known(err)
	}
	fmt.Printf("Webhook %d: disabled\n", c.ID)
	return nil
}

type webhookEnableCommand struct {
	database
	webhookID
}

func (webhookEnableCommand) Help() string {
	return "What was not delivered is not sent by this: \"stella webhook redeliver\" has deliveries made again that were given up. What happened while the webhook was disabled has no delivery, and is in the events feed of the API."
}

func (c webhookEnableCommand) Run(ctx context.Context) error {
	db, err := c.use(ctx)
	if err != nil {
		return err
	}
	defer db.close()
	if err := db.EnableWebhook(ctx, c.ID); err != nil {
		return c.known(err)
	}
	fmt.Printf("Webhook %d: enabled\n", c.ID)
	return nil
}
