// No form and no query of Stella has as many fields.
//
//go:debug urlmaxqueryparams=100

// Command stella identifies the holders of certified mailboxes (PEC) with SPID,
// so that the mailboxes become European registered mail.
//
//   - main.go: the commands
//   - secret.go, marked.go: files that hold secrets; values that came with their
//     quotes
//   - config.go, config_mail.go, config_spid.go, config_federation.go,
//     config_webhook.go: the configuration of the service, checked as a whole
//   - serve.go, demo.go: the service alone, and with toy neighbours
//   - service.go: its parts put together, started and stopped
//   - listener.go, requests.go, outage.go: clients and requests bounded; a
//     database that is away
//   - registry.go, certificates.go: identity providers kept fresh, and
//     certificates watched
//   - health.go, farewell.go, metrics.go, metrics_webhook.go, tally.go: what a
//     balancer and Prometheus are told
//   - database.go, private.go, migrate.go: which database, and its schema
//   - mailbox.go, mailbox_import.go, mailbox_export.go, qualification.go,
//     client.go, session.go, mail.go, webhook.go, webhook_deliveries.go, spid.go,
//     spid_keygen.go, spid_provider.go, archive.go: the other commands, each
//     under its name
//   - version.go, licenses.go: which program this is, and what it consists of
//   - operator.go, table.go, history.go: who decides, and how lists and cases
//     are printed
//   - mailbox_csv.go, csv.go, progress.go: files of mailboxes, and how far an
//     import has come
//   - demo: the toy neighbours
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	_ "time/tzdata" // Europe/Rome, wherever this runs

	"github.com/alecthomas/kong"

	"stella/workflow"
)

const description = `Stella identifies the holders of certified mailboxes (PEC) with SPID, so that the mailboxes become European registered mail.

To try it out, run "stella demo" and open the address that it prints.

A provider runs "stella serve", configured by the STELLA_* variables that "stella serve --help" lists, and uses the other commands on the same machine, or with the same STELLA_DATABASE_URL.`

type commands struct {
	Demo          demoCommand          `cmd:"" help:"Try Stella out: starts it with a toy webmail, identity provider and mail relay."`
	Serve         serveCommand         `cmd:"" help:"Run the service."`
	Migrate       migrateCommand       `cmd:"" help:"Bring the database's schema up to date."`
	Client        clientCommands       `cmd:"" help:"Your programs that may use the API: webmails, the register of mailboxes, the back office."`
	Mailbox       mailboxCommands      `cmd:"" help:"Mailboxes and their holders on record."`
	Qualification qualificationCommand `cmd:"" help:"Qualifications: look into them, settle reviews, revoke."`
	Session       sessionCommands      `cmd:"" help:"Browser sessions: who is inside a procedure, and ending that."`
	Mail          mailCommands         `cmd:"" help:"Mails that were asked for, and what became of them."`
	Webhook       webhookCommands      `cmd:"" help:"Where clients are told what happens to their mailboxes, and what became of each delivery."`
	SPID          spidCommands         `cmd:"" name:"spid" help:"Stella as a SPID service provider."`
	Archive       archiveCommands      `cmd:"" help:"The encrypted archive of SPID requests and responses."`
	Licenses      licensesCommand      `cmd:"" help:"Print what this program consists of, with each licence."`
	Version       versionCommand       `cmd:"" help:"Print the version; so do --version and -v."`

	ShowVersion kong.VersionFlag `name:"version" short:"v" hidden:"" help:"Print the version."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), endings()...)
	defer stop()
	k := newParser(ctx, &commands{})
	parsed, err := k.Parse(asked(os.Args[1:]))
	if err != nil {
		var wrong *kong.ParseError
		if errors.As(err, &wrong) {
			fmt.Fprintf(os.Stderr, "stella: %v\nTry \"%s --help\".\n", err, named(wrong.Context))
			os.Exit(2)
		}
		fmt.Fprintln(os.Stderr, "stella:", err)
		os.Exit(1)
	}
	if err := blank(parsed); err != nil {
		fmt.Fprintf(os.Stderr, "stella: %v\nTry \"%s --help\".\n", err, named(parsed))
		os.Exit(2)
	}
	target := parsed.Selected().Target.Interface()
	if _, whole := target.(serveCommand); !whole { // which names these with all else that is wrong
		if err := marked(target).join(); err != nil {
			fmt.Fprintln(os.Stderr, "stella:", err)
			os.Exit(1)
		}
	}
	if err := parsed.Run(verb(parsed.Selected().Name)); err != nil {
		fmt.Fprintln(os.Stderr, "stella:", err)
		os.Exit(1)
	}
}

// endings are the signals by which the program ends in order. A terminal that is
// closed sends SIGHUP, which nohup has it ignore.
func endings() []os.Signal {
	all := []os.Signal{syscall.SIGINT, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) {
		all = append(all, syscall.SIGHUP)
	}
	return all
}

// asked returns the arguments, with the other ways to ask for help replaced by
// --help.
func asked(args []string) []string {
	switch {
	case len(args) == 0:
		return []string{"--help"}
	case args[0] == "help":
		return append(args[1:], "--help")
	}
	return args
}

// blank refuses a flag that is given without a value, as by a variable of a
// script that is not set: without one it would stand for all or for none.
func blank(parsed *kong.Context) error {
	for _, p := range parsed.Path {
		if p.Flag == nil {
			continue
		}
		values := []string{}
		switch given := p.Flag.Target.Interface().(type) {
		case string:
			values = append(values, given)
		case []string:
			values = append(values, given...)
		default:
			continue
		}
		if len(values) == 0 || slices.ContainsFunc(values, func(v string) bool { return strings.TrimSpace(v) == "" }) {
			return fmt.Errorf("--%s has a blank value", p.Flag.Name)
		}
	}
	return nil
}

func newParser(ctx context.Context, c *commands) *kong.Kong {
	k, err := kong.New(c, kong.Name("stella"), kong.Description(description),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}), kong.UsageOnError(),
		kong.Vars{"default_dir": defaultDir(), "operator": currentOperator(), "version": "stella " + version, "states": joined(workflow.States), "kinds": joined(workflow.AnnouncementKinds)},
		kong.BindTo(ctx, (*context.Context)(nil)))
	if err != nil {
		panic(err) // the tags above are malformed
	}
	return k
}

// named is the command as far as it was understood.
func named(c *kong.Context) string {
	name := "stella"
	for _, p := range c.Path {
		if p.Command != nil {
			name += " " + p.Command.Name
		}
	}
	return name
}
