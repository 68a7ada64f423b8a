package main

import (
	"context"
	"time"
)

// invite sends the holder an invitation.
func (w *walk) invite(ctx context.Context) error {
	if !w.whims.delegate {
		return w.submit(ctx, "/indietro", nil)
	}
	err := w.submit(ctx, "/invito", map[string]string{"email": w.mailbox.invited()})
	if err == nil && w.fault() != "" { // too many in a day
		w.whims.delegate = false
	}
	return err
}

// awaitHolder is the delegate's part while an invitation is out.
func (w *walk) awaitHolder(ctx context.Context) error {
	switch {
	case w.shows("/invito") && take(&w.whims.resends):
		return w.submit(ctx, "/invito", nil)
	case take(&w.whims.withdraws):
		return w.submit(ctx, "/invito/annulla", nil)
	}
	w.think(ctx, 4*w.world.pace)
	return w.home(ctx)
}

// openInvitation comes in by the newest invitation's link, once there is one.
func (w *walk) openInvitation(ctx context.Context) error {
	m := w.world.inbox.newest(w.mailbox.email, hasLink)
	for ; m == nil && ctx.Err() == nil; m = w.world.inbox.newest(w.mailbox.email, hasLink) {
		pause(ctx, 100*time.Millisecond)
	}
	if m == nil {
		return ctx.Err()
	}
	w.think(ctx, 2*w.world.pace)
	w.page = page{}
	return w.open(ctx, w.site+"/invito/"+m.link)
}

// acceptInvitation presses the button of an invitation's page, or declines.
func (w *walk) acceptInvitation(ctx context.Context) error {
	path := w.page.url.Path
	if w.shows(path+"/rifiuta") && take(&w.whims.declines) {
		return w.submit(ctx, path+"/rifiuta", nil)
	}
	return w.submit(ctx, path, nil)
}
