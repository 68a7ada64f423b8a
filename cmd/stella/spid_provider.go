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

	"stella/cmd/stella/config"
	"stella/spid"
	"stella/store"
	"stella/templates"
	"stella/workflow"
	"stella/workflow/qualification"
)

type spidProviderCommands struct {
	List    spidProviderListCommand    `cmd:"" help:"List the identity providers and their suspensions."`
	Suspend spidProviderSuspendCommand `cmd:"" help:"Stop the logins of a compromised identity provider, and list the stars that are based on them."`
	Resume  spidProviderResumeCommand  `cmd:"" help:"Allow the logins of a suspended identity provider again."`
}

type spidProviderListCommand struct {
	config.Database
	config.ProvidersConfig
}

func (spidProviderListCommand) Help() string {
	return "The list contains the providers of the registry that the service read last, " +
		"of STELLA_SPID_PROVIDERS and STELLA_CIE_PROVIDER if they are set, and all with which people have logged in. " +
		"LOGINS shows whether people can log in there with this configuration, and if not, why. " +
		"A provider that is not configured is listed because people have logged in with it, or because it was suspended."
}

func (c spidProviderListCommand) Run(ctx context.Context, db *config.OpenDatabase) error {
	known, err := knownProviders(ctx, c.ProvidersConfig, db.Store)
	if err != nil {
		return err
	}
	suspensions, err := db.Suspensions(ctx)
	if err != nil {
		return err
	}
	suspended := map[string]workflow.Suspension{}
	for _, s := range suspensions {
		if s.Until.IsZero() {
			suspended[s.Provider] = s
		}
	}
	t := newTable(os.Stdout)
	t.row("PROVIDER", "NAME", "LOGINS", "SUSPENDED", "SINCE", "BY", "REASON")
	for _, id := range slices.Sorted(maps.Keys(known)) {
		s, p := suspended[id], known[id]
		if !s.SuspendedAt.IsZero() {
			p.logins = "no, suspended"
		}
		t.row(id, dash(p.name), p.logins, formatTime(s.SuspendedAt), formatTime(s.Since), dash(s.Operator), dash(s.Reason))
	}
	return t.flush()
}

// A knownProvider is an identity provider as the operator's commands show it.
type knownProvider struct {
	name   string // empty if only a suspension of it is known
	logins string // whether logins may start there: "yes", or "no" and the reason
}

// knownProviders returns the identity providers in the configuration and in the database, by
// entity ID.
func knownProviders(ctx context.Context, c config.ProvidersConfig, db *store.Store) (map[string]knownProvider, error) {
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
	configured, err := providersFromFiles(c)
	if err != nil {
		return nil, err
	}
	registered, err := providersFromRegistry(ctx, c, db)
	if err != nil {
		return nil, err
	}
	names, err := c.ParseNames()
	if err != nil {
		return nil, fmt.Errorf("STELLA_SPID_NAMES: %w", err)
	}
	now := time.Now()
	for _, p := range registered {
		known[p.EntityID] = knownProvider{cmp.Or(names[p.EntityID], p.Name), loginStatus(p, c.Registry != "", now)}
	}
	for _, p := range configured {
		known[p.EntityID] = knownProvider{cmp.Or(names[p.EntityID], p.Name), loginStatus(p, true, now)}
	}
	return known, nil
}

// loginStatus returns "yes" if logins may start at a provider, otherwise "no" and the
// reason. inUse is whether the source of the provider is configured.
func loginStatus(p *spid.Provider, inUse bool, now time.Time) string {
	if !inUse {
		return "no, the registry is not configured"
	}
	if err := p.Unusable(now); err != nil {
		return "no, " + err.Error()
	}
	return "yes"
}

// providersFromFiles returns the providers of the configured metadata files.
func providersFromFiles(c config.ProvidersConfig) (spid.Providers, error) {
	var wrong config.Problems
	all := config.ReadProviders("STELLA_SPID_PROVIDERS", c.Providers, &wrong)
	if c.CIEProvider != "" {
		card := config.ReadProviders("STELLA_CIE_PROVIDER", []string{c.CIEProvider}, &wrong)
		for _, p := range card {
			p.Name = spid.CIEName
		}
		all = append(all, card...)
	}
	return all, wrong.Join()
}

// providersFromRegistry returns the providers of the registry that the service read last, from
// the database. If its signature does not verify, it prints a warning and returns none:
// the command still works for the other providers.
func providersFromRegistry(ctx context.Context, c config.ProvidersConfig, db *store.Store) (spid.Providers, error) {
	pin, err := c.Pin()
	if err != nil {
		return nil, fmt.Errorf("STELLA_SPID_REGISTRY_PIN: %w", err)
	}
	raw, _, err := db.Aggregate(ctx)
	if err != nil || raw == nil {
		return nil, err
	}
	aggregate, err := spid.ParseAggregate(raw, []spid.Fingerprint{pin}, time.Now())
	if err != nil {
		fmt.Fprintf(os.Stderr, "stella: the registry in the database is ignored: %v\n", err)
		return nil, nil
	}
	return aggregate.Providers, nil
}

type spidProviderSuspendCommand struct {
	config.Database
	operator
	config.ProvidersConfig
	Provider string `arg:"" name:"entityid" help:"Entity ID of the identity provider, as \"stella spid provider list\" prints it."`
	Since    since  `required:"" placeholder:"DATE" help:"Time from which its logins are not trusted: 2026-11-20, or \"2026-11-20 14:30\", in Italian time."`
	Reason   string `placeholder:"TEXT" help:"The reason. It is stored with the suspension."`
}

func (spidProviderSuspendCommand) Help() string {
	return `From now on no login starts there, on any instance, and open logins are not accepted. ` +
		`People who were identified there since the date and have no star yet must identify again, also after the provider is resumed.

The stars since that date are listed and stay valid: revoke the wrong ones with "stella qualification revoke". ` +
		`Suspending the provider again changes the date, and lists the stars again.`
}

func (c spidProviderSuspendCommand) Run(ctx context.Context, db *config.OpenDatabase) error {
	known, err := knownProviders(ctx, c.ProvidersConfig, db.Store)
	if err != nil {
		return err
	}
	if _, ok := known[c.Provider]; !ok {
		return fmt.Errorf("no identity provider %s is known: see \"stella spid provider list\"", c.Provider)
	}
	p := &workflow.Provider{Store: db.Store, Now: time.Now}
	if err := p.Suspend(ctx, c.Operator, c.Provider, c.Since.Time, c.Reason); err != nil {
		if errors.Is(err, workflow.ErrFuture) {
			return fmt.Errorf("--since %s: %w", formatTime(c.Since.Time), err)
		}
		return err
	}
	given, err := db.GivenBy(ctx, c.Provider, c.Since.Time)
	if errors.Is(err, store.ErrUnsettled) {
		return fmt.Errorf("%s is suspended, but its stars cannot be listed yet: %w; run this command again", c.Provider, err)
	}
	if err != nil {
		return err
	}
	revoked := 0
	for _, g := range given {
		if g.State == qualification.Revoked {
			revoked++
		}
	}
	fmt.Printf("%s: suspended; stars since %s: %d", c.Provider, formatTime(c.Since.Time), len(given)-revoked)
	if revoked > 0 {
		fmt.Printf(", and %d revoked", revoked)
	}
	fmt.Println()
	return printStars(given)
}

func printStars(given []store.Given) error {
	if len(given) == 0 {
		return nil
	}
	t := newTable(os.Stdout)
	t.row("MAILBOX", "CASE", "IDENTIFIED", "QUALIFIED", "STATE")
	for _, g := range given {
		t.row(g.Address, formatNumber(g.Number), formatTime(g.IdentifiedAt), formatTime(g.QualifiedAt), string(g.State))
	}
	return t.flush()
}

// since is a time in one of the forms that operators write.
type since struct{ time.Time }

// UnmarshalText parses a date or a time. Without a zone it is Italian time.
func (s *since) UnmarshalText(text []byte) (err error) {
	for _, layout := range []string{time.DateOnly, "2006-01-02 15:04", time.DateTime, timeLayout, time.RFC3339} {
		if s.Time, err = time.ParseInLocation(layout, string(text), templates.Rome); err == nil {
			return nil
		}
	}
	return fmt.Errorf("%q: want a day such as 2026-11-20, or a time such as \"2026-11-20 14:30\"", text)
}

type spidProviderResumeCommand struct {
	config.Database
	operator
	Provider string `arg:"" name:"entityid" help:"Entity ID of the identity provider, as \"stella spid provider list\" prints it."`
	Reason   string `placeholder:"TEXT" help:"The reason. It is stored with the suspension."`
}

func (spidProviderResumeCommand) Help() string {
	return "Logins that start from now on are accepted again. Logins between the date of the suspension and now stay untrusted."
}

func (c spidProviderResumeCommand) Run(ctx context.Context, db *config.OpenDatabase) error {
	p := &workflow.Provider{Store: db.Store, Now: time.Now}
	if err := p.Resume(ctx, c.Operator, c.Provider, c.Reason); err != nil {
		if errors.Is(err, workflow.ErrNotSuspended) {
			return fmt.Errorf("%s is not suspended", c.Provider)
		}
		return err
	}
	fmt.Printf("%s: resumed\n", c.Provider)
	return nil
}
