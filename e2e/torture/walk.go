package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"
)

// A walk is one person's way through the procedure, in one browser. It has no
// plan of the pages: it looks at what is shown, and does what a person would
// do there, with some of the things people do besides.
type walk struct {
	*browser
	crowd   *crowd
	world   *world
	mailbox *mailbox
	whims   *whims
	enter   func(context.Context) error // comes in, or in again
	began   time.Time
	end     string // how it ended

	done      map[string]bool // codes that are of no more use
	sentSince time.Time       // since when the page says that a code was sent
	asked     bool            // the operator was
}

// Whims are what somebody does besides going on, each so many times.
type whims struct {
	backs, edits, leaves   int
	cancels, wrongPersons  int
	disowns                int
	wrongCodes, lateCodes  int
	otherEmail, wrongEmail int
	guesser                bool // types wrong codes until that is stopped
	insists                bool // begins logins until that is stopped
	delegate               bool // invites the holder
	declines, withdraws    int
	resends                int
	secondBrowser          bool
	revoked                bool // the operator takes the star away, and all begins again
}

// fancy chooses the whims of one walk. Those that take a minute are for runs
// of minutes.
func fancy(r *rand.Rand, long bool) *whims {
	often := func(chance int) int {
		n := 0
		for n < 2 && r.IntN(100) < chance {
			n++
		}
		return n
	}
	w := &whims{backs: often(15), edits: often(15), leaves: often(10), cancels: often(10), wrongPersons: often(10), disowns: often(5),
		wrongCodes: often(20), otherEmail: often(10), wrongEmail: often(6), delegate: r.IntN(5) == 0, declines: often(15),
		withdraws: often(15), resends: often(15), secondBrowser: r.IntN(8) == 0}
	if long {
		w.lateCodes, w.guesser, w.insists, w.revoked = often(6), r.IntN(40) == 0, r.IntN(60) == 0, r.IntN(8) == 0
	}
	return w
}

// take uses up a whim.
func take(n *int) bool {
	if *n == 0 {
		return false
	}
	*n--
	return true
}

// errEnd is returned where a walk has come to its end.
var errEnd = errors.New("the walk ended")

func (w *walk) ends(how string) error {
	w.end = how
	return errEnd
}

// run goes on until the end, and returns how that came. Where a page does not
// come people wait, and try the beginning of the procedure or come in anew.
func (w *walk) run(ctx context.Context) string {
	err := w.enter(ctx)
	for ctx.Err() == nil {
		switch {
		case errors.Is(err, errEnd):
			return w.end
		case errors.Is(err, errTrouble):
			w.bide(ctx)
			err = w.again(ctx)
		case err != nil:
			if ctx.Err() == nil {
				w.ledger.lie("%s: %v", w.mailbox.address, err)
			}
			return "lost its way"
		case w.page.status == http.StatusTooManyRequests:
			err = w.comeLater(ctx, w.home)
		default:
			w.crowd.sees(w.mailbox, w.page.kind)
			w.think(ctx, w.world.pace)
			err = w.step(ctx)
		}
	}
	return ""
}

// think waits for about so long.
func (w *walk) think(ctx context.Context, about time.Duration) {
	pause(ctx, about/2+time.Duration(w.rand.Int64N(int64(about))))
}

// bide waits after trouble: a moment, or for as long as it was asked for, and
// not all for the same time.
func (w *walk) bide(ctx context.Context) {
	pause(ctx, w.retryAfter)
	w.think(ctx, 1500*time.Millisecond)
}

func (w *walk) again(ctx context.Context) error {
	if w.rand.IntN(4) == 0 {
		return w.enter(ctx)
	}
	return w.home(ctx)
}

func (w *walk) home(ctx context.Context) error { return w.open(ctx, w.site+"/") }

// step does what the page asks for.
func (w *walk) step(ctx context.Context) error {
	if w.rand.IntN(15) == 0 {
		w.ledger.count("reloads")
		if err := w.home(ctx); err != nil {
			return err
		}
	}
	if w.shows("/indietro") && w.page.kind != "code" && take(&w.whims.backs) {
		return w.submit(ctx, "/indietro", nil)
	}
	if w.shows("/esci") && take(&w.whims.leaves) {
		if err := w.submit(ctx, "/esci", nil); err != nil {
			return err
		}
		return w.enter(ctx)
	}
	return w.goOn(ctx)
}

// goOn does what leads on from a page.
func (w *walk) goOn(ctx context.Context) error {
	act := acts[w.page.kind]
	if act == nil {
		return fmt.Errorf("nobody knows what to do on the page %q (%d, %s)", w.heading(), w.page.status, w.page.url.Path)
	}
	return act(w, ctx)
}

// acts are what leads on, by the kind of the page.
var acts = map[string]func(*walk, context.Context) error{
	"outside":           comeInAgain,
	"holder_choice":     (*walk).chooseRole,
	"introduction":      press("/introduzione"),
	"holder_invitation": (*walk).invite,
	"invited":           (*walk).awaitHolder,
	"invitation":        (*walk).acceptInvitation,
	"invitation_ended":  comeInAgain,
	"holder_kind":       (*walk).chooseKind,
	"company_data":      (*walk).enterCompany,
	"contact_data":      (*walk).enterContacts,
	"summary":           (*walk).confirmData,
	"edit":              (*walk).home,
	"identification":    (*walk).beginLogin,
	"methods":           (*walk).beginLogin,
	"at_provider":       (*walk).beginLogin,
	"providers":         (*walk).startLogin,
	"idp_login":         (*walk).logIn,
	"idp_consent":       (*walk).consent,
	"idp_return":        (*walk).bringAnswer,
	"login_failed":      (*walk).home,
	"identified":        (*walk).confirmIdentity,
	"contract":          press("/informativa"),
	"code":              (*walk).enterCode,
	"rejected":          (*walk).retry,
	"under_review":      (*walk).awaitOperator,
	"qualified":         (*walk).celebrate,
	"revoked":           comeInAgain,
	"expired":           comeInAgain,
}

func comeInAgain(w *walk, ctx context.Context) error { return w.enter(ctx) }

// press sends a form with nothing to fill in.
func press(action string) func(*walk, context.Context) error {
	return func(w *walk, ctx context.Context) error { return w.submit(ctx, action, nil) }
}

// comeLater leaves those alone who have had too much of us, until the time that
// they told; or for good, where that is long.
func (w *walk) comeLater(ctx context.Context, again func(context.Context) error) error {
	if w.retryAfter > w.world.waits {
		return w.ends("told to wait")
	}
	pause(ctx, w.retryAfter)
	return again(ctx)
}
