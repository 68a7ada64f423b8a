package mail

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// outageLog limits the log lines about an outage, which can last for hours. An
// outage is logged when it begins, every logInterval while it lasts, and when it
// ends.
type outageLog struct {
	mu     sync.Mutex
	logged time.Time // when the outage was last logged
	open   bool      // logged, and its end is not logged yet
}

const logInterval = 10 * time.Minute

// shouldLog reports whether a failure must be logged now.
func (t *outageLog) shouldLog(now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if since := now.Sub(t.logged); 0 <= since && since < logInterval {
		return false
	}
	t.logged, t.open = now, true
	return true
}

// recovered reports whether the end of an outage must be logged now.
func (t *outageLog) recovered() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	was := t.open
	t.open = false
	return was
}

// logOutcome logs the state of a relay after an attempt to send a mail. From RCPT
// on, a reply can contain the recipient's address, so only its codes are logged.
func (s *Sender) logOutcome(ctx context.Context, r *Relay, f *Failure) {
	relay := slog.String("relay", r.options.address())
	if f == nil || f.Refused() {
		if r.outages.recovered() {
			s.Log.InfoContext(ctx, "the relay accepts mails again", relay)
		}
		return
	}
	if !r.outages.shouldLog(s.Now()) {
		return
	}
	level, message := slog.LevelWarn, "the relay accepts no mails at the moment"
	if f.lasting() {
		level, message = slog.LevelError, "the relay accepts no mails until an operator corrects the cause"
	}
	reply := slog.String("reply", f.String())
	if f.stage != connecting && f.stage != sender {
		reply = slog.Group("", "code", f.Code(), "enhanced", f.enhanced())
		if f.lasting() {
			message = "the relay refuses a mail, and the cause is not its recipient"
		}
	}
	s.Log.Log(ctx, level, message, relay, "stage", f.stage, reply)
}
