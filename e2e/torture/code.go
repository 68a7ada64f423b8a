package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"stella/client"
)

// Beginnings of the messages of the code page.
const (
	saysWrong   = "Il codice non è corretto"
	saysExpired = "Il codice è scaduto"
	saysTooMany = "Hai chiesto troppi codici"
)

// enterCode types a code that has arrived, waits for one, or requests one, depending
// on the status on the page.
func (s *scenario) enterCode(ctx context.Context) error {
	status := s.attribute("#clock", "data-status")
	wait, _ := strconv.Atoi(s.attribute("#clock", "data-resend-in"))
	if status == "paused" {
		return s.finish("long wait")
	}
	if m := s.newCode(); m != nil {
		return s.typeCode(ctx, m)
	}
	switch status {
	case "sending", "sent":
		s.expectMail(status)
		s.think(ctx, s.world.pace)
		return s.home(ctx)
	case "refused":
		return s.changeContacts(ctx, "/codice/contatti", s.mailbox.email)
	}
	again := time.Duration(wait) * time.Second
	if again > s.world.maxWait {
		return s.finish("long wait")
	}
	pause(ctx, again)
	if err := s.submit(ctx, "/codice/invia", nil); err != nil {
		return err
	}
	if strings.HasPrefix(s.formError(), saysTooMany) {
		return s.finish("long wait")
	}
	s.sentSince = time.Time{}
	return nil
}

// newCode returns the newest mail if its code was not used up yet, or nil.
func (s *scenario) newCode() *mail {
	m := s.world.inbox.newest(s.mailbox.email, func(m *mail) bool { return m.code != "" && m.asked().After(s.began) })
	if m == nil || s.done[m.code] {
		return nil
	}
	return m
}

// expectMail records a violation if the page says for 15 seconds that a code was
// sent, and no mail has arrived.
func (s *scenario) expectMail(status string) {
	switch {
	case status != "sent":
		s.sentSince = time.Time{}
	case s.sentSince.IsZero():
		s.sentSince = time.Now()
	case time.Since(s.sentSince) > 15*time.Second && len(s.done) == 0:
		s.recorder.violation("%s: the page says for 15 seconds that a code was sent, but none has arrived", s.mailbox.address)
		s.sentSince = time.Now()
	}
}

// typeCode types a code that has arrived. Depending on the behaviour, it types a
// wrong code first, or waits until the code has expired.
func (s *scenario) typeCode(ctx context.Context, m *mail) error {
	code, late := m.code, false
	switch {
	case s.behaviour.guesser, use(&s.behaviour.wrongCodes):
		code = wrongCode(code)
	case use(&s.behaviour.lateCodes):
		late = true
		if err := s.letExpire(ctx); err != nil || s.kind != "code" {
			return err
		}
	}
	if !s.shows("/codice") { // paused
		return nil
	}
	if err := s.submit(ctx, "/codice", map[string]string{"codice": code}); err != nil {
		return err
	}
	message := s.formError()
	switch {
	case code != m.code:
		if s.kind == "qualified" || s.kind == "under_review" {
			s.recorder.violation("%s: a wrong code led to the page %q", s.mailbox.address, s.Heading())
		}
		if strings.HasPrefix(message, saysWrong) {
			s.recorder.count("wrong codes")
			break
		}
		s.done[m.code] = true // no code is valid any more
	case late && s.kind != "code":
		s.recorder.violation("%s: an expired code was accepted: the page is %q", s.mailbox.address, s.Heading())
	case late:
		s.recorder.count("late codes")
		s.done[code] = true
	case strings.HasPrefix(message, saysWrong):
		s.recorder.violation("%s: the code of the mail %s was rejected as wrong", s.mailbox.address, m.id)
		s.done[code] = true
	case message != "":
		s.done[code] = true
		if strings.HasPrefix(message, saysExpired) {
			s.recorder.count("codes that came too late")
		}
	}
	return nil
}

// letExpire waits until the page says that the code has expired.
func (s *scenario) letExpire(ctx context.Context) error {
	for until := time.Now().Add(2 * time.Minute); time.Now().Before(until) && ctx.Err() == nil; pause(ctx, time.Second) {
		if err := s.home(ctx); err != nil {
			return err
		}
		if s.kind != "code" || s.attribute("#clock", "data-status") == "expired" {
			return nil
		}
	}
	return nil
}

func wrongCode(code string) string {
	n, _ := strconv.Atoi(code)
	return fmt.Sprintf("%06d", (n+1)%1e6)
}

// checkStar checks that the webmail shows the star.
func (s *scenario) checkStar(ctx context.Context) error {
	show, err := s.world.webmail.show(ctx, s.mailbox.address)
	if err != nil {
		return s.noAnswer(ctx, err, s.checkStar)
	}
	if show != client.ShowStar {
		if s.mailbox.lostStar() {
			return s.finish("qualified")
		}
		s.recorder.violation("%s: the page says qualified, but the webmail shows %s", s.mailbox.address, show)
	}
	return s.finish("qualified")
}

// awaitOperator asks the operator for a decision, once, and reloads the page.
func (s *scenario) awaitOperator(ctx context.Context) error {
	if !s.asked {
		s.asked = true
		s.world.operator.decide(s.mailbox, s.rand.IntN(4) > 0)
	}
	s.think(ctx, 4*s.world.pace)
	return s.home(ctx)
}
