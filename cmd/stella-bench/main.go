// Command stella-bench measures how many holders a Stella serves at once, and what a
// qualification costs: CPU, statements, commits. It sees Stella from outside: pages, API,
// commands, variables and mails.
//
//   - main.go: the commands; measure.go: one measurement; modes.go, imports.go:
//     the kinds of load; compare.go: several programs in turns, with their ratios
//   - load.go: holders at once; holder.go: one of them; timing.go: how long requests take
//   - world.go, environment.go, mailboxes.go: what the measured programs share
//   - stella.go, cluster.go: a measured program with its PostgreSQL; running.go: one that
//     runs already; child.go: processes
//   - provider.go, relay.go: the identity provider and the mail relay, processes of their
//     own; inbox.go: what has arrived at the relay
//   - package floor: a program that does only the necessary work; floor.go runs it,
//     recorder.go records the pages that it shows
//   - counters.go, cpu.go: what a load has cost
//   - report.go, percentile.go: the figures
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

const usage = `stella-bench measures how many holders a Stella serves, and what a qualification costs.

  stella-bench whole     from the hand-off to the star
  stella-bench code      from the contract notice to the star
  stella-bench status    the webmail's call for the status of a mailbox
  stella-bench import    "stella mailbox import" of a file
  stella-bench compare   all of these for several programs in turns, with ratios

Parts, each a process of its own:

  stella-bench provider  the identity provider
  stella-bench relay     the mail relay
  stella-bench floor     a program that does only the necessary work
  stella-bench mailboxes prints the file of mailboxes that the others use

"stella-bench whole -h" lists the flags. docs/performance.md explains the figures.
`

var commands = map[string]func(context.Context, []string) error{
	"whole":     measureCommand(whole),
	"code":      measureCommand(code),
	"status":    measureCommand(status),
	"import":    measureCommand(imports),
	"compare":   compare,
	"provider":  serveProvider,
	"relay":     serveRelay,
	"floor":     serveFloor,
	"mailboxes": printMailboxes,
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if len(os.Args) < 2 || commands[os.Args[1]] == nil {
		fmt.Fprint(os.Stderr, usage)
		os.Exit(2)
	}
	err := commands[os.Args[1]](ctx, os.Args[2:])
	switch {
	case errors.Is(err, flag.ErrHelp):
		os.Exit(2)
	case err != nil:
		fmt.Fprintln(os.Stderr, "stella-bench:", err)
		os.Exit(1)
	}
}
