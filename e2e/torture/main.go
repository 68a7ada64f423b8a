// Command torture is a fault injection test of Stella. It runs two instances of
// "stella serve" behind a balancer, with their own PostgreSQL, mail relay and
// identity provider, and simulated people who identify themselves. For some
// minutes it kills processes and cuts connections at random. Then it compares
// what the people saw with the database and with the mails that the relay
// accepted. See docs/reliability.md.
//
//	make torture MINUTES=10 SEED=7
//
// It prints a report and exits with 0 if all invariants hold, otherwise with 1.
// Start at run.go.
//
//   - run.go, report.go: a run, and the report about it
//   - world.go, instance.go, keys.go: everything that is started
//   - daemon.go, postgres.go, relay.go: processes that can be killed
//   - network.go, link.go, balancer.go: the network, which can be cut
//   - injector.go, faults.go, upgrade.go: the faults and their schedule
//   - load.go, scenario.go: the people, and what they do on each page; the
//     actions are in data.go, login.go, code.go, invitation.go, webmail.go and
//     operator.go
//   - browser.go, page.go, form.go, observer.go: the simulated browser
//   - people.go: the generated people and mailboxes
//   - inbox.go, recorder.go: the mails and pages that people received
//   - invariants.go, steps.go, mails.go, secrets.go: the checks at the end
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

// relayVariable is an environment variable. If it is set, this program runs as the
// relay. Its value is the relay's configuration.
const relayVariable = "STELLA_TORTURE_RELAY"

func main() {
	if runRelay() {
		return
	}
	o := options{pace: 400 * time.Millisecond, scale: 1, maxWait: time.Minute}
	minutes := flag.Float64("minutes", 10, "length of the run")
	flag.Uint64Var(&o.seed, "seed", uint64(time.Now().UnixNano()%1e6),
		"determines the faults and the actions of people; the same seed repeats them")
	flag.StringVar(&o.binary, "stella", "bin/stella", "the stella program")
	flag.StringVar(&o.previous, "previous", "", "the program of the previous version: the run begins with it and upgrades")
	flag.IntVar(&o.holders, "holders", 24, "number of people at the same time")
	flag.DurationVar(&o.every, "every", 2500*time.Millisecond, "average time between two faults")
	flag.DurationVar(&o.outage, "outage", time.Minute, "duration of the one long PostgreSQL outage, if the run is long enough")
	flag.BoolVar(&o.keep, "keep", false, "keep all files, and print their folder")
	flag.Parse()
	o.length = time.Duration(*minutes * float64(time.Minute))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	r, err := torture(ctx, o, os.Stdout)
	if err != nil {
		fmt.Fprintln(os.Stderr, "torture:", err)
		os.Exit(1)
	}
	r.print(os.Stdout)
	if len(r.broken()) > 0 {
		os.Exit(1)
	}
}

// runRelay runs the relay and returns true, if this process was started for that.
func runRelay() bool {
	text := os.Getenv(relayVariable)
	if text == "" {
		return false
	}
	part := strings.Split(text, ",")
	if err := serveRelay(relayConfig{Listen: part[0], Cert: part[1], Key: part[2], Inbox: part[3]}); err != nil {
		fmt.Fprintln(os.Stderr, "relay:", err)
		os.Exit(1)
	}
	return true
}
