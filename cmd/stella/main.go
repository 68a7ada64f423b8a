// Command stella identifies the holders of certified mailboxes (PEC) with SPID,
// so that the mailboxes become European registered mail.
//
//   - main.go: the commands
//   - config.go, config_mail.go, config_spid.go, config_federation.go,
//     config_webhook.go: the configuration of the service, checked as a whole
//   - service.go: the parts put together, started and stopped
//   - registry.go, certificates.go: identity providers kept fresh, and
//     certificates watched
//   - health.go, farewell.go, metrics.go, webhook_metrics.go, tally.go: what a
//     balancer and Prometheus are told
//   - requests.go, outage.go: every request bounded; a database that is away
//   - serve.go, demo.go: the service alone, and with toy neighbours
//   - database.go: which database, and the commands on it
//   - mailbox_csv.go, mailbox_import.go, mailbox_export.go, csv.go, progress.go:
//     files of mailboxes
//   - mailbox.go, qualification.go, history.go, client.go, archive.go,
//     metadata.go, keygen.go, provider.go, mail.go, webhook.go: the operator's
//     commands
//   - demo: the toy neighbours
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	_ "time/tzdata" // Europe/Rome, wherever this runs

	"github.com/alecthomas/kong"
)

// version is set by the build.
var version = "development"

const description = `Stella identifies the holders of certified mailboxes (PEC) with SPID, so that the mailboxes become European registered mail.

To try it out, run "stella demo" and open the address that it prints.

A provider runs "stella serve", configured by the STELLA_* variables that "stella serve --help" lists, and uses the other commands on the same machine, or with the same STELLA_DATABASE_URL.`

type commands struct {
	Demo          demoCommand          `cmd:"" help:"Try Stella out: starts it with a toy webmail, identity provider and mail relay."`
	Serve         serveCommand         `cmd:"" help:"Run the service."`
	Migrate       migrateCommand       `cmd:"" help:"Bring the database's schema up to date."`
	Client        clientCommands       `cmd:"" help:"Webmails that may use the API."`
	Mailbox       mailboxCommands      `cmd:"" help:"Mailboxes and their holders on record."`
	Qualification qualificationCommand `cmd:"" help:"Qualifications: look into them, settle reviews, revoke."`
	Mail          mailCommands         `cmd:"" help:"Mails that were asked for, and what became of them."`
	Webhook       webhookCommands      `cmd:"" help:"Where clients are told of their mailboxes, and what became of it."`
	SPID          spidCommands         `cmd:"" name:"spid" help:"Stella as a SPID service provider."`
	Archive       archiveCommands      `cmd:"" help:"The encrypted archive of SPID requests and responses."`
	Version       versionCommand       `cmd:"" help:"Print the version."`
}

type versionCommand struct{}

func (versionCommand) Run() error {
	fmt.Println("stella", version)
	return nil
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	k := newParser(ctx, &commands{})
	args := os.Args[1:]
	if len(args) == 0 {
		args = []string{"--help"}
	}
	parsed, err := k.Parse(args)
	if err != nil {
		var wrong *kong.ParseError
		if errors.As(err, &wrong) {
			fmt.Fprintf(os.Stderr, "stella: %v\nTry \"%s --help\".\n", err, named(wrong.Context))
			os.Exit(2)
		}
		fmt.Fprintln(os.Stderr, "stella:", err)
		os.Exit(1)
	}
	if err := parsed.Run(verb(parsed.Selected().Name)); err != nil {
		fmt.Fprintln(os.Stderr, "stella:", err)
		os.Exit(1)
	}
}

func newParser(ctx context.Context, c *commands) *kong.Kong {
	k, err := kong.New(c, kong.Name("stella"), kong.Description(description),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}), kong.UsageOnError(),
		kong.Vars{"default_dir": defaultDir(), "operator": currentOperator(), "states": states()},
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
