package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"time"

	"stella/spid"
	"stella/store"
	"stella/workflow"
)

type spidProviderCommands struct {
	List    spidProviderListCommand    `cmd:"" help:"List the identity providers, and which are suspended."`
	Suspend spidProviderSuspendCommand `cmd:"" help:"Stop the logins of a compromised identity provider, and list the stars it gave."`
	Resume  spidProviderResumeCommand  `cmd:"" help:"Let the logins of a suspended identity provider go on."`
}

type spidProviderListCommand struct {
	database
	providersConfig
}

func (spidProviderListCommand) Help() string {
	return "They are those of the registry that the service read last, of STELLA_SPID_PROVIDERS and STELLA_CIE_PROVIDER where these are set, and those that people logged in with."
}

func (c spidProviderListCommand) Run(ctx context.Context) error {
	db, err := c.use(ctx)
	if err != nil {
		return err
	}
	defer db.close()
	known, err := c.known(ctx, db.Store)
	if err != nil {
		return err
	}
	suspensions, err := db.Suspensions(ctx)
	if err != nil {
		return err
	}
	standing := map[string]workflow.Suspension{}
	for _, s := range suspensions {
		if s.Until.IsZero() {
			standing[s.Provider] = s
		}
	}
	t := newTable(os.Stdout)
	t.row("PROVIDER", "NAME", "SUSPENDED", "SINCE", "BY", "REASON")
	for _, id := range slices.Sorted(maps.Keys(known)) {
		s := standing[id]
		t.row(id, dash(known[id]), moment(s.SuspendedAt), moment(s.Since), dash(s.Operator), dash(s.Reason))
	}
	return t.flush()
}

// known are the names of the identity providers that the configuration and the
// database know, by their entity IDs. Of one that was suspended and is known
// nowhere else the name is empty.
func (c providersConfig) known(ctx context.Context, db *store.Store) (map[string]string, error) {
	names := map[string]string{}
	suspensions, err := db.Suspensions(ctx)
	if err != nil {
		return nil, err
	}
	for _, s := range suspensions {
		names[s.Provider] = ""
	}
	loggedIn, err := db.LoggedInWith(ctx)
	if err != nil {
		return nil, err
	}
	maps.Copy(names, loggedIn)
	configured, err := c.configured()
	if err != nil {
		return nil, err
	}
	kept, err := c.kept(ctx, db)
	if err != nil {
		return nil, err
	}
	for _, p := range append(configured, kept...) {
		names[p.EntityID] = p.Name
	}
	return names, nil
}

// configured are the providers of the files.
func (c providersConfig) configured() (spid.Providers, error) {
	var wrong problems
	all := readProviders("STELLA_SPID_PROVIDERS", c.Providers, &wrong)
	if c.CIEProvider != "" {
		all = append(all, readProviders("STELLA_CIE_PROVIDER", []string{c.CIEProvider}, &wrong)...)
	}
	return all, wrong.join()
}

// kept are the providers of the registry that the service read last. Where it
// cannot be read here, the others can be told, and suspended, all the same.
func (c providersConfig) kept(ctx context.Context, db *store.Store) (spid.Providers, error) {
	pin, err := c.pin()
	if err != nil {
		return nil, fmt.Errorf("STELLA_SPID_REGISTRY_PIN: %w", err)
	}
	raw, _, err := db.Aggregate(ctx)
	if err != nil || raw == nil {
		return nil, err
	}
	aggregate, err := spid.ParseAggregate(raw, []spid.Fingerprint{pin}, time.Now())
	if err != nil {
		fmt.Fprintf(os.Stderr, "stella: the registry that the service keeps is left out: %v\n", err)
		return nil, nil
	}
	return aggregate.Providers, nil
}

type spidProviderSuspendCommand struct {
	database
	operator
	providersConfig
	Provider string `arg:"" name:"entityid" help:"The identity provider, as \"stella spid provider list\" names it."`
	Since    since  `required:"" placeholder:"DATE" help:"From when it is not believed: 2026-11-20, or \"2026-11-20 14:30\", in Italian time."`
	Reason   string `placeholder:"TEXT" help:"Why, for the record."`
}

func (spidProviderSuspendCommand) Help() string {
	return `From now on no login starts there, on any instance, and none under way counts. Whoever was identified there since the date and has no star yet is identified again, also after the provider is resumed.

The stars are listed, and stay: revoke those that are not to, with "stella qualification revoke". Suspending the provider again corrects the date, and lists the stars again.`
}

func (c spidProviderSuspendCommand) Run(ctx context.Context) error {
	db, err := c.use(ctx)
	if err != nil {
		return err
	}
	defer db.close()
	known, err := c.known(ctx, db.Store)
	if err != nil {
		return err
	}
	if _, ok := known[c.Provider]; !ok {
		return fmt.Errorf("no identity provider %s is known: \"stella spid provider list\" lists those that are", c.Provider)
	}
	p := &workflow.Procedure{Store: db.Store, Now: time.Now}
	if err := p.Suspend(ctx, c.Operator, c.Provider, c.Since.Time, c.Reason); err != nil {
		if errors.Is(err, workflow.ErrFuture) {
			return fmt.Errorf("--since %s: %w", moment(c.Since.Time), err)
		}
		return err
	}
	given, err := db.GivenBy(ctx, c.Provider, c.Since.Time)
	if errors.Is(err, store.ErrUnsettled) {
		return fmt.Errorf("%s is suspended, but the stars it gave cannot be told yet: %w; run this again", c.Provider, err)
	}
	if err != nil {
		return err
	}
	revoked := 0
	for _, g := range given {
		if g.State == workflow.Revoked {
			revoked++
		}
	}
	fmt.Printf("%s: suspended; stars it gave since %s: %d", c.Provider, moment(c.Since.Time), len(given)-revoked)
	if revoked > 0 {
		fmt.Printf(", and %d that were revoked", revoked)
	}
	fmt.Println()
	return printGiven(given)
}

func printGiven(given []store.Given) error {
	if len(given) == 0 {
		return nil
	}
	t := newTable(os.Stdout)
	t.row("MAILBOX", "CASE", "IDENTIFIED", "QUALIFIED", "STATE")
	for _, g := range given {
		t.row(g.Address, number(g.Number), moment(g.IdentifiedAt), moment(g.QualifiedAt), string(g.State))
	}
	return t.flush()
}

// since is a time as operators write it.
type since struct{ time.Time }

// UnmarshalText reads a day, a minute or a second, in Italian time.
func (s *since) UnmarshalText(text []byte) (err error) {
	for _, layout := range []string{time.DateOnly, "2006-01-02 15:04", time.DateTime, clock, time.RFC3339} {
		if s.Time, err = time.ParseInLocation(layout, string(text), rome); err == nil {
			return nil
		}
	}
	return fmt.Errorf("%q: want a day such as 2026-11-20, or a time such as \"2026-11-20 14:30\"", text)
}

type spidProviderResumeCommand struct {
	database
	operator
	Provider string `arg:"" name:"entityid" help:"The identity provider, as \"stella spid provider list\" names it."`
	Reason   string `placeholder:"TEXT" help:"Why, for the record."`
}

func (spidProviderResumeCommand) Help() string {
	return "Logins that start from now on count again. What was said while it was not believed, from the date of the suspension on, does not come to count."
}

func (c spidProviderResumeCommand) Run(ctx context.Context) error {
	db, err := c.use(ctx)
	if err != nil {
		return err
	}
	defer db.close()
	p := &workflow.Procedure{Store: db.Store, Now: time.Now}
	if err := p.Resume(ctx, c.Operator, c.Provider, c.Reason); err != nil {
		if errors.Is(err, workflow.ErrNotSuspended) {
			return fmt.Errorf("%s is not suspended", c.Provider)
		}
		return err
	}
	fmt.Printf("%s: resumed\n", c.Provider)
	return nil
}
