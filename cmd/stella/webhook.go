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

	"stella/cmd/stella/config"
	"stella/store"
	"stella/webhook"
	"stella/workflow"
)

type webhookCommands struct {
	Add        webhookAddCommand        `cmd:"" help:"Add a webhook for the events of a client's mailboxes, and print its secret. The secret is printed only once."`
	List       webhookListCommand       `cmd:"" help:"List the webhooks and their state."`
	Test       webhookTestCommand       `cmd:"" help:"Send a test event now, and print the answer."`
	Deliveries webhookDeliveriesCommand `cmd:"" help:"List deliveries and their outcome."`
	Redeliver  webhookRedeliverCommand  `cmd:"" help:"Repeat the deliveries that were given up, or any single delivery."`
	Rotate     webhookRotateCommand     `cmd:"" help:"Give a webhook a new secret. For a while events are also signed with the previous secret."`
	Disable    webhookDisableCommand    `cmd:"" help:"Send nothing more to a webhook, and give up its open deliveries."`
	Enable     webhookEnableCommand     `cmd:"" help:"Send to a disabled webhook again, from now on."`
}

// keyFileConfig names the files of the server's keys, from which the secrets of webhooks
// are computed.
type keyFileConfig struct {
	KeyFile []string `env:"STELLA_KEY_FILE" placeholder:"FILE" help:"The service's secret, from which the secrets of webhooks are computed."`
}

func (k keyFileConfig) read(wrong *config.Problems) workflow.Keys {
	keys, err := config.ReadKeys(k.KeyFile)
	if errors.Is(err, config.ErrMissing) {
		err = fmt.Errorf("%w: it is the service's secret (for the demo: the file \"demo/key\" in its --dir)", err)
	}
	wrong.Add("STELLA_KEY_FILE", err)
	return keys
}

type webhookAddCommand struct {
	config.Database
	keyFileConfig
	config.WebhookConfig
	Client string   `arg:"" help:"The client's name, as \"stella client list\" prints it. It receives the events of its mailboxes."`
	URL    string   `arg:"" name:"url" help:"URL to which events are sent, such as https://webmail.example/hooks."`
	Kind   []string `placeholder:"KIND" enum:"${kinds}" help:"Only events of this kind, such as qualification.completed; may be repeated."`
}

func (webhookAddCommand) Help() string {
	return "The events:\n\n  " + strings.ReplaceAll(joinNames(workflow.AnnouncementKinds), ",", "\n  ") +
		"\n\nEach is signed (Standard Webhooks). docs/webhooks.md describes what a receiver must do."
}

func (c webhookAddCommand) Run(ctx context.Context, db *config.OpenDatabase) error {
	var wrong config.Problems
	keys, allow := c.keyFileConfig.read(&wrong), c.WebhookConfig.Check(&wrong)
	wrong.Add("URL", webhook.CheckURL(c.URL, allow))
	if err := wrong.Join(); err != nil {
		return err
	}
	var kinds []workflow.AnnouncementKind
	for _, k := range c.Kind {
		kinds = append(kinds, workflow.AnnouncementKind(k))
	}
	p := &workflow.Provider{Store: db.Store, Keys: keys, Now: time.Now}
	id, secret, err := p.AddWebhook(ctx, c.Client, c.URL, kinds)
	if errors.Is(err, store.ErrExists) {
		return fmt.Errorf("%s has a webhook with this URL: see \"stella webhook list\"", c.Client)
	}
	if err != nil {
		return describeClientError(c.Client, err)
	}
	fmt.Printf("Webhook %d of %s. Its secret; it is not shown again:\n%s\n", id, c.Client, secret)
	return nil
}

// webhookID is the argument that names a webhook.
type webhookID struct {
	ID int64 `arg:"" name:"webhook" help:"The webhook's number, as \"stella webhook list\" prints it."`
}

// describe names the webhook in the error if it does not exist.
func (w webhookID) describe(err error) error {
	if errors.Is(err, workflow.ErrUnknown) {
		return fmt.Errorf("there is no webhook %d: see \"stella webhook list\"", w.ID)
	}
	return err
}

type webhookListCommand struct {
	config.Database
}

func (c webhookListCommand) Run(ctx context.Context, db *config.OpenDatabase) error {
	all, err := db.Webhooks(ctx)
	if err != nil {
		return err
	}
	t := newTable(os.Stdout)
	t.row("WEBHOOK", "CLIENT", "URL", "KINDS", "STATE", "WAITING", "SINCE")
	for _, w := range all {
		kinds := strings.ReplaceAll(joinNames(w.Kinds), "qualification.", "")
		t.row(strconv.FormatInt(w.ID, 10), w.Client, w.URL, cmp.Or(kinds, "all"), webhookState(w.Webhook),
			strconv.Itoa(w.Waiting), formatTime(w.OldestAt))
	}
	return t.flush()
}

// webhookState describes the state of a webhook.
func webhookState(w workflow.Webhook) string {
	switch since := formatTime(w.DisabledAt); {
	case w.Disabled == workflow.DisabledGone:
		return "disabled since " + since + ": it answered 410 Gone"
	case w.Disabled == workflow.DisabledFailing:
		return "disabled since " + since + ": nothing was delivered since " + formatTime(w.FailingSince)
	case w.Disabled != "":
		return "disabled since " + since
	case w.Failures > 0:
		return fmt.Sprintf("nothing delivered since %s, in %d attempts", formatTime(w.FailingSince), w.Failures)
	}
	return "good"
}

type webhookRotateCommand struct {
	config.Database
	keyFileConfig
	webhookID
	Overlap time.Duration `default:"24h" placeholder:"TIME" help:"How long events are also signed with the previous secret; 0 if it was stolen (default: ${default})."`
}

func (c webhookRotateCommand) Run(ctx context.Context, db *config.OpenDatabase) error {
	if c.Overlap < 0 {
		return errors.New("--overlap is negative")
	}
	if _, err := db.Webhook(ctx, c.ID); err != nil {
		return c.describe(err)
	}
	var wrong config.Problems
	keys := c.keyFileConfig.read(&wrong)
	if err := wrong.Join(); err != nil {
		return err
	}
	p := &workflow.Provider{Store: db.Store, Keys: keys, Now: time.Now}
	until := time.Now().Add(c.Overlap)
	secret, err := p.RotateWebhook(ctx, c.ID, until)
	if err != nil {
		return c.describe(err)
	}
	fmt.Printf("New secret of webhook %d; it is not shown again:\n%s\n", c.ID, secret)
	if c.Overlap > 0 {
		fmt.Printf("The previous secret also signs until %s.\n", formatTime(until))
	}
	return nil
}

type webhookDisableCommand struct {
	config.Database
	webhookID
}

func (c webhookDisableCommand) Run(ctx context.Context, db *config.OpenDatabase) error {
	if err := db.DisableWebhook(ctx, c.ID, workflow.DisabledByOperator, time.Now()); err != nil {
		return c.describe(err)
	}
	fmt.Printf("Webhook %d: disabled\n", c.ID)
	return nil
}

type webhookEnableCommand struct {
	config.Database
	webhookID
}

func (webhookEnableCommand) Help() string {
	return "This does not repeat deliveries that were given up: use \"stella webhook redeliver\". " +
		"Events from the time when the webhook was disabled have no delivery; they are in the events feed of the API."
}

func (c webhookEnableCommand) Run(ctx context.Context, db *config.OpenDatabase) error {
	if err := db.EnableWebhook(ctx, c.ID); err != nil {
		return c.describe(err)
	}
	fmt.Printf("Webhook %d: enabled\n", c.ID)
	return nil
}
