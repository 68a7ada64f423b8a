package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/google/uuid"

	"stella/store"
	"stella/webhook"
	"stella/workflow"
)

type webhookCommands struct {
	Add        webhookAddCommand        `cmd:"" help:"Have a client told of its mailboxes, and print the secret that signs, once."`
	List       webhookListCommand       `cmd:"" help:"List the webhooks, and how they do."`
	Test       webhookTestCommand       `cmd:"" help:"Send a test event at once, and print what came back."`
	Deliveries webhookDeliveriesCommand `cmd:"" help:"List deliveries and what became of them."`
	Redeliver  webhookRedeliverCommand  `cmd:"" help:"Make deliveries again that were given up, or one."`
	Rotate     webhookRotateCommand     `cmd:"" help:"Give a webhook a new secret; the one before signs too for a while."`
	Disable    webhookDisableCommand    `cmd:"" help:"Send nothing more to a webhook, and give up what is under way."`
	Enable     webhookEnableCommand     `cmd:"" help:"Send to a disabled webhook again, from now on."`
}

// keyFile is the server's key, from which secrets are computed.
type keyFile struct {
	KeyFile string `env:"STELLA_KEY_FILE" placeholder:"FILE" help:"The service's secret, from which those of webhooks are computed."`
}

// procedure is for commands that need the key.
func (k keyFile) procedure(s *store.Store) (*workflow.Procedure, error) {
	key, err := readKey(k.KeyFile)
	var wrong problems
	wrong.add("STELLA_KEY_FILE", err)
	return &workflow.Procedure{Store: s, Key: key, Now: time.Now}, wrong.join()
}

type webhookAddCommand struct {
	database
	keyFile
	webhookConfig
	Client string   `arg:"" help:"The client, as \"stella client list\" names it. It is told of the mailboxes of its domains."`
	URL    string   `arg:"" name:"url" help:"Where to send events, such as https://webmail.example/hooks."`
	Kind   []string `placeholder:"KIND" help:"Only events of this kind, such as qualification.completed; may be repeated."`
}

func (webhookAddCommand) Help() string {
	kinds := make([]string, len(workflow.AnnouncementKinds))
	for i, k := range workflow.AnnouncementKinds {
		kinds[i] = "  " + string(k)
	}
	return "The events:\n\n" + strings.Join(kinds, "\n") + "\n\nEach is signed (Standard Webhooks). See docs/webhooks.md for what a receiver has to do."
}

func (c webhookAddCommand) Run(ctx context.Context) error {
	var wrong problems
	allow := c.webhookConfig.check(&wrong)
	wrong.add("URL", webhook.CheckURL(c.URL, allow))
	kinds := make([]workflow.AnnouncementKind, len(c.Kind))
	for i, k := range c.Kind {
		kinds[i] = workflow.AnnouncementKind(k)
	}
	if err := wrong.join(); err != nil {
		return err
	}
	db, err := c.use(ctx)
	if err != nil {
		return err
	}
	defer db.close()
	p, err := c.procedure(db.Store)
	if err != nil {
		return err
	}
	id, secret, err := p.AddWebhook(ctx, c.Client, c.URL, kinds)
	var input *workflow.InputError
	switch {
	case errors.As(err, &input):
		return fmt.Errorf("--kind: want one of those that \"stella webhook add --help\" lists")
	case errors.Is(err, store.ErrExists):
		return fmt.Errorf("%s has a webhook with this URL: see \"stella webhook list\"", c.Client)
	case err != nil:
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
		return fmt.Errorf("there is no webhook %d: \"stella webhook list\" tells which there are", w.ID)
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
	t := table{tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)}
	t.row("WEBHOOK", "CLIENT", "URL", "KINDS", "STATE", "WAITING", "SINCE")
	for _, w := range all {
		kinds := make([]string, len(w.Kinds))
		for i, k := range w.Kinds {
			kinds[i] = strings.TrimPrefix(string(k), "qualification.")
		}
		t.row(strconv.FormatInt(w.ID, 10), w.Client, w.URL, cmp.Or(strings.Join(kinds, ","), "all"), webhookState(w.Webhook),
			strconv.Itoa(w.Waiting), moment(w.OldestAt))
	}
	return t.w.Flush()
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

type webhookTestCommand struct {
	database
	keyFile
	webhookConfig
	webhookID
}

func (c webhookTestCommand) Run(ctx context.Context) error {
	var wrong problems
	allow := c.webhookConfig.check(&wrong)
	if err := wrong.join(); err != nil {
		return err
	}
	db, err := c.use(ctx)
	if err != nil {
		return err
	}
	defer db.close()
	p, err := c.procedure(db.Store)
	if err != nil {
		return err
	}
	w, err := db.Webhook(ctx, c.ID)
	if err != nil {
		return c.known(err)
	}
	ctx, cancel := context.WithTimeout(ctx, webhook.SendTimeout)
	defer cancel()
	began := time.Now()
	courier := &webhook.Courier{Key: p.Key, Allow: allow}
	answer := courier.Send(ctx, w, webhook.Trial(uuid.NewString(), began), began)
	if !answer.Delivered() {
		return fmt.Errorf("%s: %s", w.URL, answer)
	}
	fmt.Printf("%s: %s, after %v\n", w.URL, answer, time.Since(began).Round(time.Millisecond))
	return nil
}

type webhookDeliveriesCommand struct {
	database
	Webhook int64 `arg:"" optional:"" help:"Only those of this webhook."`
	Waiting bool  `help:"Only those still to be made."`
	GivenUp bool  `help:"Only those that were given up."`
	Limit   int   `default:"1000" help:"At most so many, the newest."`
}

func (c webhookDeliveriesCommand) Run(ctx context.Context) error {
	db, err := c.use(ctx)
	if err != nil {
		return err
	}
	defer db.close()
	all, err := db.Deliveries(ctx, store.DeliveryFilter{Webhook: c.Webhook, Waiting: c.Waiting, GivenUp: c.GivenUp, Limit: c.Limit})
	if err != nil {
		return err
	}
	t := table{tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)}
	t.row("DELIVERY", "WEBHOOK", "EVENT", "MAILBOX", "CASE", "ASKED FOR", "ATTEMPTS", "OUTCOME", "AT", "ANSWER")
	for _, d := range all {
		t.row(strconv.FormatInt(d.ID, 10), strconv.FormatInt(d.Webhook, 10), string(d.Kind), d.Address, strconv.FormatInt(d.Number, 10),
			moment(d.AskedAt), strconv.Itoa(d.Attempts), d.Ended, moment(d.EndedAt), cmp.Or(d.Outcome, "-"))
	}
	return t.w.Flush()
}

type webhookRedeliverCommand struct {
	database
	webhookID
	Delivery int64 `placeholder:"DELIVERY" help:"This one alone, as \"stella webhook deliveries\" names it, whatever became of it."`
}

func (c webhookRedeliverCommand) Run(ctx context.Context) error {
	db, err := c.use(ctx)
	if err != nil {
		return err
	}
	defer db.close()
	n, err := db.Redeliver(ctx, c.ID, c.Delivery, time.Now())
	switch {
	case errors.Is(err, workflow.ErrUnknown):
		return fmt.Errorf("there is no webhook %d, or it is disabled: see \"stella webhook list\"", c.ID)
	case err != nil:
		return err
	case n == 0 && c.Delivery != 0:
		return fmt.Errorf("webhook %d has no delivery %d that has ended: see \"stella webhook deliveries\"", c.ID, c.Delivery)
	}
	fmt.Printf("Deliveries that are made again: %d\n", n)
	return nil
}

type webhookRotateCommand struct {
	database
	keyFile
	webhookID
	Overlap time.Duration `default:"24h" help:"For how long the former secret signs too; 0 when it was stolen."`
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
	p, err := c.procedure(db.Store)
	if err != nil {
		return err
	}
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
