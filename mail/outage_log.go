package mail

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// trouble keeps the log readable while a relay is away for hours: it is told
// when it begins, every ten minutes while it lasts, and when it is over.
type trouble struct {
	mu   sync.Mutex
	told time.Time // last
	open bool      // told, and not yet told to be over
}

const tellEvery = 10 * time.Minute

// begins reports whether trouble is to be told now.
func (t *trouble) begins(now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if since := now.Sub(t.told); 0 <= since && since < tellEvery {
		return false
	}
	t.told, t.open = now, true
	return true
}

// ends reports whether it is to be told that trouble is over.
func (t *trouble) ends() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	was := t.open
	t.open = false
	return was
}

// tell logs how a relay does, by what became of a mail. From RCPT on, a reply
// may repeat the recipient's address, and its code has to do.
func (s *Sender) tell(ctx context.Context, r *Relay, f *Failure) {
	relay := slog.String("relay", r.options.address())
	if f == nil || f.Refused() {
		if r.trouble.ends() {
			s.Log.InfoContext(ctx, "the relay takes mails again", relay)
		}
		return
	}
	if !r.trouble.begins(s.Now()) {
		return
	}
	level, what := slog.LevelWarn, "the relay takes no mails for now"
	if f.lasting() {
		level, what = slog.LevelError, "the relay takes no mails until somebody sees to it"
	}
	reply := slog.String("reply", f.String())
	if f.stage != connecting && f.stage != sender {
		reply = slog.Group("", "code", f.Code(), "enhanced", f.enhanced())
		if f.lasting() {
			what = "the relay refuses a mail, and the cause is not its recipient"
		}
	}
	s.Log.Log(ctx, level, what, relay, "stage", f.stage, reply)
}
