package workflow

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"time"
)

// callsLeased is how many calls of a client a process takes from the limit at
// once. Webmails ask at every login of their users: most calls write nothing.
const callsLeased = 100

// lease is what a process took from a client's limit and has not used up, or
// until when there is nothing to take.
type lease struct {
	mu      sync.Mutex
	at      time.Time
	left    int
	refused *LimitError
}

// admitCall counts a call of the API. What a process leased and does not use
// within the limit's span is lost.
func (p *Procedure) admitCall(ctx context.Context, client int64) error {
	held, _ := p.leases.LoadOrStore(client, &lease{})
	l := held.(*lease)
	l.mu.Lock() // while it is renewed too: the others wait for what it brings
	defer l.mu.Unlock()
	now := p.Now()
	if l.left > 0 && now.Sub(l.at).Abs() < callsPerClient.Span {
		l.left--
		return nil
	}
	if l.refused != nil && now.Sub(l.at).Abs() < callsPerClient.Span && now.Before(l.refused.Until) {
		return l.refused
	}
	s := p.spend(callsPerClient, strconv.FormatInt(client, 10))
	s.Times = callsLeased
	err := p.Store.Spend(ctx, s)
	var refused *LimitError
	if err != nil && !errors.As(err, &refused) {
		return err
	}
	l.at, l.left, l.refused = now, callsLeased-1, refused
	if refused != nil {
		l.left = 0
		return refused
	}
	return nil
}
