package workflow

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"time"
)

// callsLeased is how many calls of a client a process takes from the limit at once.
// Webmails call at every login of their users, and with leases most calls need no
// write.
const callsLeased = 100

// lease is this process's unused share of a client's rate limit, or the error to return
// until a new lease is possible.
type lease struct {
	mu      sync.Mutex
	at      time.Time
	left    int
	refused *LimitError
}

// admitCall counts an API call. Leased calls that are not used within the limit's span
// are lost.
func (p *Provider) admitCall(ctx context.Context, client int64) error {
	stored, _ := p.leases.LoadOrStore(client, &lease{})
	l := stored.(*lease)
	l.mu.Lock() // also during the renewal: concurrent calls wait for its result
	defer l.mu.Unlock()
	now := p.Now()
	if l.left > 0 && now.Sub(l.at).Abs() < callsPerClient.Span {
		l.left--
		return nil
	}
	if l.refused != nil && now.Sub(l.at).Abs() < callsPerClient.Span && now.Before(l.refused.Until) {
		return l.refused
	}
	s := p.Keys.Spend(callsPerClient, strconv.FormatInt(client, 10), now)
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
