package main

import (
	"context"
	"time"
)

// invite sends an invitation to the holder.
func (s *scenario) invite(ctx context.Context) error {
	if !s.behaviour.delegate {
		return s.submit(ctx, "/indietro", nil)
	}
	err := s.submit(ctx, "/invito", map[string]string{"email": s.mailbox.invitedEmail()})
	if err == nil && s.formError() != "" { // too many in a day
		s.behaviour.delegate = false
	}
	return err
}

// awaitHolder is what the delegate does while the invitation is open.
func (s *scenario) awaitHolder(ctx context.Context) error {
	switch {
	case s.shows("/invito") && use(&s.behaviour.resends):
		return s.submit(ctx, "/invito", nil)
	case use(&s.behaviour.withdraws):
		return s.submit(ctx, "/invito/annulla", nil)
	}
	s.think(ctx, 4*s.world.pace)
	return s.home(ctx)
}

// openInvitation waits for an invitation and opens its link.
func (s *scenario) openInvitation(ctx context.Context) error {
	m := s.world.inbox.newest(s.mailbox.email, hasLink)
	for ; m == nil && ctx.Err() == nil; m = s.world.inbox.newest(s.mailbox.email, hasLink) {
		pause(ctx, 100*time.Millisecond)
	}
	if m == nil {
		return ctx.Err()
	}
	s.think(ctx, 2*s.world.pace)
	s.leave()
	return s.open(ctx, s.Site+"/invito/"+m.link)
}

// acceptInvitation accepts the invitation or declines it.
func (s *scenario) acceptInvitation(ctx context.Context) error {
	path := s.URL.Path
	if s.shows(path+"/rifiuta") && use(&s.behaviour.declines) {
		return s.submit(ctx, path+"/rifiuta", nil)
	}
	return s.submit(ctx, path, nil)
}
