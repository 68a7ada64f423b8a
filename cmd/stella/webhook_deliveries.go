package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/google/uuid"

	"stella/cmd/stella/config"
	"stella/store"
	"stella/webhook"
	"stella/workflow"
)

type webhookTestCommand struct {
	config.Database
	keyFileConfig
	config.WebhookConfig
	webhookID
}

func (c webhookTestCommand) Run(ctx context.Context, db *config.OpenDatabase) error {
	w, err := db.Webhook(ctx, c.ID)
	if err != nil {
		return c.describe(err)
	}
	var wrong config.Problems
	keys, allow := c.keyFileConfig.read(&wrong), c.WebhookConfig.Check(&wrong)
	if err := wrong.Join(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, webhook.SendTimeout)
	defer cancel()
	began := time.Now()
	deliverer := &webhook.Deliverer{Keys: keys, Allow: allow}
	result := deliverer.Send(ctx, w, webhook.Trial(uuid.NewString(), began), began)
	if !result.Delivered() {
		return fmt.Errorf("%s: %s", w.URL, result)
	}
	fmt.Printf("%s: %s, after %v\n", w.URL, result, time.Since(began).Round(time.Millisecond))
	return nil
}

type webhookDeliveriesCommand struct {
	config.Database
	Webhook int64 `arg:"" optional:"" help:"Only deliveries to this webhook."`
	Waiting bool  `help:"Only deliveries that are still to be made."`
	GivenUp bool  `help:"Only deliveries that were given up."`
	Limit   uint  `default:"1000" placeholder:"N" help:"Maximum number, the newest first (default: ${default})."`
}

func (c webhookDeliveriesCommand) Run(ctx context.Context, db *config.OpenDatabase) error {
	all, err := db.Deliveries(ctx, store.DeliveryFilter{Webhook: c.Webhook, Waiting: c.Waiting, GivenUp: c.GivenUp, Limit: int(c.Limit)})
	if err != nil {
		return err
	}
	t := newTable(os.Stdout)
	t.row("DELIVERY", "WEBHOOK", "EVENT", "MAILBOX", "CASE", "ASKED FOR", "ATTEMPTS", "OUTCOME", "AT", "ANSWER")
	for _, d := range all {
		t.row(strconv.FormatInt(d.ID, 10), strconv.FormatInt(d.Webhook, 10), string(d.Kind), d.Address, strconv.FormatInt(d.Number, 10),
			formatTime(d.AskedAt), strconv.Itoa(d.Attempts), d.Ended, formatTime(d.EndedAt), cmp.Or(d.Outcome, "-"))
	}
	return t.flush()
}

type webhookRedeliverCommand struct {
	config.Database
	webhookID
	Delivery int64 `placeholder:"DELIVERY" help:"Only this delivery, as \"stella webhook deliveries\" prints it, whatever its outcome."`
}

func (c webhookRedeliverCommand) Run(ctx context.Context, db *config.OpenDatabase) error {
	n, err := db.Redeliver(ctx, c.ID, c.Delivery, time.Now())
	switch {
	case errors.Is(err, workflow.ErrUnknown):
		return fmt.Errorf("there is no webhook %d, or it is disabled: see \"stella webhook list\"", c.ID)
	case err != nil:
		return err
	case n == 0 && c.Delivery != 0:
		return fmt.Errorf("webhook %d has no delivery %d that has ended: see \"stella webhook deliveries\"", c.ID, c.Delivery)
	}
	fmt.Printf("Deliveries to repeat: %d\n", n)
	return nil
}
