package main

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
)

func (s *scenario) beginLogin(ctx context.Context) error {
	if s.kind == "at_provider" && (s.behaviour.repeatsLogin || s.rand.IntN(2) == 0) {
		return s.startLogin(ctx)
	}
	return s.open(ctx, s.Site+"/identificazione") // shows the list of providers, because SPID is the only method
}

// startLogin follows the link that starts a login. This is a step.
func (s *scenario) startLogin(ctx context.Context) error {
	link := s.Find(`main a[href^="/identificazione/avvia"]`).First()
	if link.Length() == 0 {
		return fmt.Errorf("no login can be started on the page %q", s.Heading())
	}
	to, err := s.send(ctx, http.MethodGet, link.AttrOr("href", ""), nil)
	if hostOf(to) == hostOf(s.world.provider) {
		s.recorder.count("logins started")
	}
	return err
}

// logIn chooses an identity at the provider, cancels, or returns to Stella to start
// another login.
func (s *scenario) logIn(ctx context.Context) error {
	if s.behaviour.repeatsLogin {
		return s.home(ctx)
	}
	form := map[string]string{}
	switch {
	case use(&s.behaviour.cancels):
		form["cancel"] = "yes"
	case !s.mailbox.unknown && use(&s.behaviour.wrongPersons):
		form["person"] = strconv.Itoa((s.world.indexOf(s.mailbox.holder) + 1) % population)
	default:
		form["person"] = strconv.Itoa(s.world.indexOf(s.mailbox.holder))
	}
	return s.submitToProvider(ctx, "/login", form)
}

func (s *scenario) consent(ctx context.Context) error {
	consent := "yes"
	if use(&s.behaviour.cancels) {
		consent = "no"
	}
	return s.submitToProvider(ctx, "/consent", map[string]string{"consent": consent})
}

// deliverResponse sends the provider's response to Stella. If the page fails, it
// sometimes sends the response a second time, as a reload does.
func (s *scenario) deliverResponse(ctx context.Context) error {
	action := s.attribute("main form", "action")
	f, err := s.fill(action, nil)
	if err != nil {
		return err
	}
	for range 2 {
		var to string
		if to, err = s.send(ctx, http.MethodPost, f.Action, f.Values); to != "" {
			s.recorder.count("provider responses accepted")
		}
		if err == nil || s.rand.IntN(2) == 0 {
			break
		}
		s.think(ctx, s.world.pace)
	}
	return err
}

// submitToProvider sends a form of the identity provider.
func (s *scenario) submitToProvider(ctx context.Context, action string, typed map[string]string) error {
	f, err := s.fill(action, typed)
	if err != nil {
		return err
	}
	_, err = s.send(ctx, http.MethodPost, f.Action, f.Values)
	return err
}

// confirmIdentity confirms the identity that the page shows, or rejects it, or
// changes the contact data.
func (s *scenario) confirmIdentity(ctx context.Context) error {
	if use(&s.behaviour.disowns) {
		return s.submit(ctx, "/identita/altra", nil)
	}
	if use(&s.behaviour.edits) {
		return s.changeContacts(ctx, "/identita/contatti", "")
	}
	return s.submit(ctx, "/identita", nil)
}

// retry continues after a rejection, with another identity or with other data. A
// refusal by the operator ends the scenario.
func (s *scenario) retry(ctx context.Context) error {
	s.recorder.count("rejections")
	switch {
	case s.mailbox.unknown:
		return s.finish("refused")
	case s.shows("/riprova/identita") && s.rand.IntN(2) == 0:
		return s.submit(ctx, "/riprova/identita", nil)
	}
	return s.submit(ctx, "/riprova", nil)
}
