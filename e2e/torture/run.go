package main

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

// options are those of a run.
type options struct {
	binary     string        // the program
	former     string        // the program of the version before, from which is upgraded; empty for none
	seed       uint64        // of all decisions
	length     time.Duration // of the chaos
	every      time.Duration // from one blow to the next, on average
	scale      float64       // of the time that things are down
	holders    int           // people at once
	pace       time.Duration // of people, from one page to the next
	waits      time.Duration // of people, for another code; who is told to wait longer gives up
	outage     time.Duration // of PostgreSQL, once; zero for none
	replicated bool          // with a standby
	unsafe     bool          // PostgreSQL does not wait for its disk, which only a machine that falls would show
	keep       bool          // all files
}

// long reports whether what takes a minute has room.
func (o options) long() bool { return o.length > 3*time.Minute }

// walks is how many mailboxes are needed: more than people get through.
func (o options) walks() int {
	return o.holders * (4 + int(o.length/(5*time.Second)))
}

// When the chaos is over, people have so long to finish, and the queue of mails
// to empty: a crashed send is taken up again within a minute.
const (
	settleWithin = time.Minute
	finishWithin = 2 * time.Minute
	drainWithin  = 90 * time.Second
)

// torture makes a run, and tells on progress how it goes.
func torture(ctx context.Context, o options, progress io.Writer) (r *report, err error) {
	began := time.Now()
	w, err := open(ctx, o)
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(progress, "seed %d; everything is there after %v\n", o.seed, time.Since(began).Round(100*time.Millisecond))
	defer func() {
		w.keep = w.keep || err != nil && ctx.Err() == nil || err == nil && len(r.broken()) > 0
		if w.keep {
			fmt.Fprintln(progress, "all files are kept in", w.dir)
		}
		if failed := w.close(); failed != nil {
			fmt.Fprintln(progress, "closing:", failed)
		}
	}()
	r = w.begin(ctx)
	telling, told := context.WithCancel(ctx)
	defer told()
	go r.tell(telling, progress)
	dealing, dealt := context.WithTimeout(ctx, o.length)
	defer dealt()
	var upgrading sync.WaitGroup
	if o.former != "" {
		upgrading.Go(func() { w.upgrade(dealing, progress) })
	}
	r.chaos.run(dealing)
	upgrading.Wait()
	return r, r.end(ctx)
}

// begin has people begin.
func (w *world) begin(ctx context.Context) *report {
	r := &report{world: w, chaos: w.plan(w.length, w.every, w.scale), crowd: newCrowd(w), began: time.Now(), over: make(chan struct{})}
	r.working, r.stop = context.WithCancel(ctx)
	coming, shut := context.WithCancel(r.working)
	r.shut = shut
	go w.operator.work(r.working)
	go func() {
		defer close(r.over)
		r.crowd.run(r.working, coming)
	}()
	return r
}

// end lets nobody in any more, waits until all is well and everybody has
// finished, and looks at what there is.
func (r *report) end(ctx context.Context) error {
	defer r.stop()
	r.shut()
	settling, cancel := context.WithTimeout(ctx, settleWithin)
	defer cancel()
	if err := r.world.settle(settling); err != nil {
		r.stuck = append(r.stuck, err.Error())
	}
	r.calm = time.Now()
	go r.hurry(r.working)
	select {
	case <-r.over:
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(finishWithin):
		r.stuck = append(r.stuck, r.crowd.unfinished()...)
	}
	r.finished = time.Now()
	r.drain(ctx)
	r.stop()
	<-r.over
	return r.check(ctx)
}

// hurry passes the time for mails that are to be tried again in more than five
// seconds: Stella waits ten minutes and more with one that the relay may have
// taken.
func (r *report) hurry(ctx context.Context) {
	for ctx.Err() == nil {
		r.world.primary().do(ctx, func(db *pgx.Conn) error {
			done, err := db.Exec(ctx, `
				update river_job set scheduled_at = now()
				where kind = 'send_mail' and state in ('scheduled', 'retryable', 'available') and scheduled_at > now() + interval '5 seconds'`)
			r.hurried.Add(done.RowsAffected())
			return err
		})
		pause(ctx, time.Second)
	}
}

// drain waits until no mail waits any more.
func (r *report) drain(ctx context.Context) {
	began := time.Now()
	for ctx.Err() == nil && time.Since(began) < drainWithin {
		left := 1
		r.world.primary().do(ctx, func(db *pgx.Conn) error {
			return db.QueryRow(ctx, `
				select (select count(*) from mails where accepted_at is null and refused_at is null and dropped_at is null)
					+ (select count(*) from river_job where kind = 'send_mail' and state not in ('completed', 'discarded', 'cancelled'))`).Scan(&left)
		})
		if left == 0 {
			break
		}
		pause(ctx, 200*time.Millisecond)
	}
	r.drained = time.Since(began)
}

// tell says every few seconds how a run goes.
func (r *report) tell(ctx context.Context, out io.Writer) {
	for {
		pause(ctx, 10*time.Second)
		if ctx.Err() != nil {
			return
		}
		kills, others := r.chaos.kills()
		steps, failed := r.world.ledger.steps()
		ended, under := r.crowd.standing()
		fmt.Fprintf(out, "%6v  kills %d, other blows %d; walks %d ended, %d under way; steps answered %d; pages %d, failed %d; mails %d\n",
			time.Since(r.began).Round(time.Second), kills, others, ended, under, steps, r.world.ledger.counted("pages"), failed, len(r.world.inbox.all()))
	}
}
