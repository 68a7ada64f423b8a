// Command torture shows whether Stella loses anything. It runs two instances of
// "stella serve" behind a balancer, with a PostgreSQL, a mail relay and an
// identity provider of its own, and people who identify themselves; kills and
// cuts all of these, at random, for some minutes; and then holds what people
// were told against the database and what the relay took. docs/reliability.md
// explains it.
//
//	make torture MINUTES=10 SEED=7
//
// It tells the invariants that do not hold and exits with 1, or with 0 where
// all do.
//
//   - world.go, instance.go, keys.go: everything that is started
//   - daemon.go, postgres.go, relay.go: processes that can be killed
//   - network.go, link.go, balancer.go: the network, which can be cut
//   - chaos.go, blows.go, upgrade.go: what is done to them, and when
//   - crowd.go, walk.go: people, and what they do on which page; data.go,
//     login.go, code.go, invitation.go, webmail.go, operator.go: how
//   - browser.go, page.go, form.go: what they do it with
//   - people.go: who they are
//   - inbox.go, ledger.go: what they got and saw
//   - invariants.go, steps.go, mails.go, secrets.go: what must hold at the end
//   - run.go, report.go: a run and what is told of it
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

// asRelay makes this program the relay, and tells where it listens and keeps
// its mails.
const asRelay = "STELLA_TORTURE_RELAY"

func main() {
	if beRelay() {
		return
	}
	o := options{pace: 400 * time.Millisecond, scale: 1, waits: time.Minute}
	minutes := flag.Float64("minutes", 10, "for how long")
	flag.Uint64Var(&o.seed, "seed", uint64(time.Now().UnixNano()%1e6), "decides what is done when; the same seed does the same again")
	flag.StringVar(&o.binary, "stella", "bin/stella", "the program")
	flag.StringVar(&o.former, "former", "", "the program of the version before: the run begins with it, and upgrades")
	flag.IntVar(&o.holders, "holders", 24, "people at once")
	flag.DurationVar(&o.every, "every", 2500*time.Millisecond, "from one blow to the next, on average")
	flag.DurationVar(&o.outage, "outage", time.Minute, "how long PostgreSQL is away once, in runs that are long enough")
	flag.BoolVar(&o.keep, "keep", false, "keep all files, and say where")
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

// beRelay is the relay, if this process was started to be it.
func beRelay() bool {
	text := os.Getenv(asRelay)
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
