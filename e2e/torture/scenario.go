package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"
)

// A scenario is one person's way through the procedure in one browser. The order of
// the pages is not fixed: it looks at the page that is shown and does what a person
// would do there, including the extra actions of its behaviour.
type scenario struct {
	*browser
	load      *load
	world     *world
	mailbox   *mailbox
	behaviour *behaviour
	enter     func(context.Context) error // enters the procedure, at first or again
	began     time.Time
	end       string // how it ended

	done      map[string]bool // codes that are no longer valid
	sentSince time.Time       // when the page first said that a code was sent
	asked     bool            // an operator was asked to decide
}

// A behaviour is what a person does in addition to the direct way. The numbers say
// how many times.
type behaviour struct {
	backs, edits, leaves   int
	cancels, wrongPersons  int
	disowns                int
	wrongCodes, lateCodes  int
	otherEmail, wrongEmail int
	guesser                bool // types wrong codes until Stella stops it
	repeatsLogin           bool // starts logins until Stella stops it
	delegate               bool // invites the holder
	declines, withdraws    int
	resends                int
	secondBrowser          bool
	revoked                bool // an operator revokes the star, and the procedure begins again
}

// randomBehaviour chooses the behaviour of one scenario. Actions that take a minute
// are only for long runs.
func randomBehaviour(r *rand.Rand, long bool) *behaviour {
	often := func(chance int) int {
		n := 0
		for n < 2 && r.IntN(100) < chance {
			n++
		}
		return n
	}
	b := &behaviour{
		backs: often(15), edits: often(15), leaves: often(10), cancels: often(10), wrongPersons: often(10), disowns: often(5),
		wrongCodes: often(20), otherEmail: often(10), wrongEmail: often(6), delegate: r.IntN(5) == 0, declines: often(15),
		withdraws: often(15), resends: often(15), secondBrowser: r.IntN(8) == 0,
	}
	if long {
		b.lateCodes, b.guesser, b.repeatsLogin, b.revoked = often(6), r.IntN(40) == 0, r.IntN(60) == 0, r.IntN(8) == 0
	}
	return b
}

// use decrements n if it is positive, and reports whether it was.
func use(n *int) bool {
	if *n == 0 {
		return false
	}
	*n--
	return true
}

// errFinished is returned when a scenario has ended.
var errFinished = errors.New("the scenario has ended")

func (s *scenario) finish(how string) error {
	s.end = how
	return errFinished
}

// run makes steps until the scenario ends, and returns how it ended. If a page
// fails, it waits, and then opens the first page or enters again.
func (s *scenario) run(ctx context.Context) string {
	err := s.enter(ctx)
	for ctx.Err() == nil {
		switch {
		case errors.Is(err, errFinished):
			return s.end
		case errors.Is(err, errPageFailed):
			s.backOff(ctx)
			err = s.again(ctx)
		case err != nil:
			if ctx.Err() == nil {
				s.recorder.violation("%s: %v", s.mailbox.address, err)
			}
			return "unexpected page"
		case s.Status == http.StatusTooManyRequests:
			err = s.retryLater(ctx, s.home)
		default:
			s.load.setPage(s.mailbox, s.kind)
			s.think(ctx, s.world.pace)
			err = s.step(ctx)
		}
	}
	return ""
}

// think waits for about the given time.
func (s *scenario) think(ctx context.Context, about time.Duration) {
	pause(ctx, about/2+time.Duration(s.rand.Int64N(int64(about))))
}

// backOff waits after a failed page: for Retry-After, plus a random time.
func (s *scenario) backOff(ctx context.Context) {
	pause(ctx, s.retryAfter)
	s.think(ctx, 1500*time.Millisecond)
}

func (s *scenario) again(ctx context.Context) error {
	if s.rand.IntN(4) == 0 {
		return s.enter(ctx)
	}
	return s.home(ctx)
}

func (s *scenario) home(ctx context.Context) error { return s.open(ctx, s.Site+"/") }

// step does one thing on the page: an extra action, or what the page asks for.
func (s *scenario) step(ctx context.Context) error {
	if s.rand.IntN(15) == 0 {
		s.recorder.count("reloads")
		if err := s.home(ctx); err != nil {
			return err
		}
	}
	if s.shows("/indietro") && s.kind != "code" && use(&s.behaviour.backs) {
		return s.submit(ctx, "/indietro", nil)
	}
	if s.shows("/esci") && use(&s.behaviour.leaves) {
		if err := s.submit(ctx, "/esci", nil); err != nil {
			return err
		}
		return s.enter(ctx)
	}
	return s.goOn(ctx)
}

// goOn does what leads to the next page.
func (s *scenario) goOn(ctx context.Context) error {
	action := actions[s.kind]
	if action == nil {
		return fmt.Errorf("no action is known for the page %q (%d, %s)", s.Heading(), s.Status, s.URL.Path)
	}
	return action(s, ctx)
}

// actions are the actions that lead to the next page, by the kind of page.
var actions = map[string]func(*scenario, context.Context) error{
	"outside":           enterAgain,
	"holder_choice":     (*scenario).chooseRole,
	"introduction":      press("/introduzione"),
	"holder_invitation": (*scenario).invite,
	"invited":           (*scenario).awaitHolder,
	"invitation":        (*scenario).acceptInvitation,
	"invitation_ended":  enterAgain,
	"holder_kind":       (*scenario).chooseKind,
	"company_data":      (*scenario).enterCompany,
	"contact_data":      (*scenario).enterContacts,
	"summary":           (*scenario).confirmData,
	"edit":              (*scenario).home,
	"identification":    (*scenario).beginLogin,
	"methods":           (*scenario).beginLogin,
	"at_provider":       (*scenario).beginLogin,
	"providers":         (*scenario).startLogin,
	"idp_login":         (*scenario).logIn,
	"idp_consent":       (*scenario).consent,
	"idp_return":        (*scenario).deliverResponse,
	"login_failed":      (*scenario).home,
	"identified":        (*scenario).confirmIdentity,
	"contract":          press("/informativa"),
	"code":              (*scenario).enterCode,
	"rejected":          (*scenario).retry,
	"under_review":      (*scenario).awaitOperator,
	"qualified":         (*scenario).checkStar,
	"revoked":           enterAgain,
	"expired":           enterAgain,
}

func enterAgain(s *scenario, ctx context.Context) error { return s.enter(ctx) }

// press returns an action that sends a form without filling it in.
func press(action string) func(*scenario, context.Context) error {
	return func(s *scenario, ctx context.Context) error { return s.submit(ctx, action, nil) }
}

// retryLater handles an answer of status 429: it waits for Retry-After and tries
// again, or ends the scenario if the wait is too long.
func (s *scenario) retryLater(ctx context.Context, again func(context.Context) error) error {
	if s.retryAfter > s.world.maxWait {
		return s.finish("long wait")
	}
	pause(ctx, s.retryAfter)
	return again(ctx)
}
