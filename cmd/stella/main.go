// Limits the fields of a form or query. Stella's have fewer.
//
//go:debug urlmaxqueryparams=100

// Command stella identifies the holders of certified mailboxes (PEC) with SPID,
// so that the mailboxes become European registered mail.
//
// main.go defines the commands. Start there, then read serve.go and package service.
//
//   - service: the parts of the running service; config: its settings, and the database
//     that all commands use
//   - serve.go, demo.go: the commands that run the service, alone or with the simulated
//     neighbour services of package demo
//   - migrate.go, mailbox.go, mailbox_import.go, mailbox_export.go, qualification.go,
//     client.go, session.go, mail.go, webhook.go, webhook_deliveries.go, spid.go,
//     spid_keygen.go, spid_provider.go, archive.go, version.go, licenses.go: the other
//     commands
//   - operator.go, table.go, history.go: shared parts of the commands: the operator's
//     name, tables, the history of a case
//   - mailboxfile: the files of mailboxes; progress.go: the progress of an import
//   - programtest: the kit of the tests
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

	"github.com/alecthomas/kong"

	"stella/cmd/stella/config"
	"stella/workflow"
	"stella/workflow/qualification"
)

const description = `Stella identifies the holders of certified mailboxes (PEC) with SPID, ` +
	`so that the mailboxes become European registered mail.

To try it, run "stella demo" and open the address that it prints.

A PEC provider runs "stella serve", configured by the STELLA_* variables that "stella serve --help" lists. ` +
	`The other commands run on the same machine, or with the same STELLA_DATABASE_URL.`

type commands struct {
	Demo          demoCommand          `cmd:"" help:"Try Stella: start it with a simulated webmail, identity provider and mail relay."`
	Serve         serveCommand         `cmd:"" help:"Run the service."`
	Migrate       migrateCommand       `cmd:"" help:"Bring the database's schema up to date."`
	Client        clientCommands       `cmd:"" help:"Programs that use the API, such as webmails or the back office."`
	Mailbox       mailboxCommands      `cmd:"" help:"Mailboxes and the records of their holders."`
	Qualification qualificationCommand `cmd:"" help:"Qualifications: show them, decide reviews, revoke stars."`
	Session       sessionCommands      `cmd:"" help:"Browser sessions of open procedures: list and end them."`
	Mail          mailCommands         `cmd:"" help:"Mails: list, show and retry them."`
	Webhook       webhookCommands      `cmd:"" help:"Webhooks, which notify clients of events of their mailboxes, and their deliveries."`
	SPID          spidCommands         `cmd:"" name:"spid" help:"Stella as a SPID service provider."`
	Archive       archiveCommands      `cmd:"" help:"The encrypted archive of SPID requests and responses."`
	Licenses      licensesCommand      `cmd:"" help:"Print the modules that this program contains, with their licences."`
	Version       versionCommand       `cmd:"" help:"Print the version, like --version and -v."`

	ShowVersion kong.VersionFlag `name:"version" short:"v" hidden:"" help:"Print the version."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), stopSignals()...)
	defer stop()
	k := newParser(ctx, &commands{})
	parsed, err := k.Parse(withHelpFlag(os.Args[1:]))
	if err != nil {
		var wrong *kong.ParseError
		if errors.As(err, &wrong) {
			fmt.Fprintf(os.Stderr, "stella: %v\nTry \"%s --help\".\n", err, commandName(wrong.Context))
			os.Exit(2)
		}
		fmt.Fprintln(os.Stderr, "stella:", err)
		os.Exit(1)
	}
	if err := checkBlank(parsed); err != nil {
		fmt.Fprintf(os.Stderr, "stella: %v\nTry \"%s --help\".\n", err, commandName(parsed))
		os.Exit(2)
	}
	target := parsed.Selected().Target.Interface()
	if _, serve := target.(serveCommand); !serve { // serve reports these together with all other problems
		if err := config.QuotedValues(target).Join(); err != nil {
			fmt.Fprintln(os.Stderr, "stella:", err)
			os.Exit(1)
		}
	}
	if err := runCommand(ctx, parsed, target); err != nil {
		fmt.Fprintln(os.Stderr, "stella:", err)
		os.Exit(1)
	}
}

// runCommand runs the selected command. If its Run method has a parameter for the database, the
// database is opened before and closed after.
func runCommand(ctx context.Context, parsed *kong.Context, target any) (err error) {
	var db *config.OpenDatabase
	defer func() { // also if the command panics
		if db != nil {
			err = errors.Join(err, db.Close())
		}
	}()
	err = parsed.BindToProvider(func() (*config.OpenDatabase, error) {
		var err error
		db, err = target.(interface{ Flags() config.Database }).Flags().Use(ctx)
		return db, err
	})
	if err == nil {
		err = parsed.Run(verb(parsed.Selected().Name))
	}
	return err
}

// stopSignals returns the signals that stop the program in order. SIGHUP, which a
// closed terminal sends, is one of them, unless it is ignored, as under nohup.
func stopSignals() []os.Signal {
	all := []os.Signal{syscall.SIGINT, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) {
		all = append(all, syscall.SIGHUP)
	}
	return all
}

// withHelpFlag replaces "help", and an empty command line, by --help.
func withHelpFlag(args []string) []string {
	switch {
	case len(args) == 0:
		return []string{"--help"}
	case args[0] == "help":
		return append(args[1:], "--help")
	}
	return args
}

// checkBlank refuses a flag with a blank value. A script may pass one by mistake, with a
// variable that is not set, and for some flags an empty value means "all".
func checkBlank(parsed *kong.Context) error {
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
		kong.Vars{
			"default_dir": config.DefaultDir(),
			"operator":    currentOperator(),
			"version":     "stella " + version,
			"states":      joinNames(qualification.States),
			"kinds":       joinNames(workflow.AnnouncementKinds),
		},
		kong.BindTo(ctx, (*context.Context)(nil)))
	if err != nil {
		panic(err) // a struct tag is malformed
	}
	return k
}

// commandName returns the command that the parser recognized, such as "stella mail list".
func commandName(c *kong.Context) string {
	name := "stella"
	for _, p := range c.Path {
		if p.Command != nil {
			name += " " + p.Command.Name
		}
	}
	return name
}
