package main

import (
	"cmp"
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
	return "They are those of the registry that the service read last, of STELLA_SPID_PROVIDERS and STELLA_CIE_PROVIDER where these are set, and those that people logged in with. LOGINS says at which of them one can log in with this configuration, and why not at the others: one that is not configured is remembered for the logins it gave."
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
	t.row("PROVIDER", "NAME", "LOGINS", "SUSPENDED", "SINCE", "BY", "REASON")
	for _, id := range slices.Sorted(maps.Keys(known)) {
		s, p := standing[id], known[id]
		if !s.SuspendedAt.IsZero() {
			p.logins = "no, suspended"
		}
		t.row(id, dash(p.name), p.logins, moment(s.SuspendedAt), moment(s.Since), dash(s.Operator), dash(s.Reason))
	}
	return t.flush()
}

// A knownProvider is an identity provider as an operator sees it.
type knownProvider struct {
	name   string // empty where nothing is left of it but its suspension
	logins string // whether they may start there: "yes", or why not
}

// known are the identity providers that the configuration and the database know,
// by their entity IDs.
func (c providersConfig) known(ctx context.Context, db *store.Store) (map[string]knownProvider, error) {
	known := map[string]knownProvider{}
	suspensions, err := db.Suspensions(ctx)
	if err != nil {
		return nil, err
	}
	for _, s := range suspensions {
		known[s.Provider] = knownProvider{logins: "no, not configured"}
	}
	loggedIn, err := db.LoggedInWith(ctx)
	if err != nil {
		return nil, err
	}
	for id, name := range loggedIn {
		known[id] = knownProvider{name, "no, not configured"}
	}
	configured, err := c.configured()
	if err != nil {
		return nil, err
	}
	kept, err := c.kept(ctx, db)
	if err != nil {
		return nil, err
	}
	names, err := c.names()
	if err != nil {
		return nil, fmt.Errorf("STELLA_SPID_NAMES: %w", err)
	}
	now := time.Now()
	for _, p := range kept {
		known[p.EntityID] = knownProvider{cmp.Or(names[p.EntityID], p.Name), c.logins(p, c.Registry != "", now)}
	}
	for _, p := range configured {
		known[p.EntityID] = knownProvider{cmp.Or(names[p.EntityID], p.Name), c.logins(p, true, now)}
	}
	return known, nil
}

// logins says whether logins may start at a provider that is listed.
func (providersConfig) logins(p *spid.Provider, inUse bool, now time.Time) string {
	if !inUse {
		return "no, the registry is not configured"
	}
	if err := p.Unusable(now); err != nil {
		return "no, " + err.Error()
	}
	return "yes"
}

// configured are the providers of the files.
func (c providersConfig) configured() (spid.Providers, error) {
	var wrong problems
	all := readProviders("STELLA_SPID_PROVIDERS", c.Providers, &wrong)
	if c.CIEProvider != "" {
		card := readProviders("STELLA_CIE_PROVIDER", []string{c.CIEProvider}, &wrong)
		for _, p := range card {
			p.Name = spid.CIEName
		}
		all = append(all, card...)
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
