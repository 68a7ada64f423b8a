package store

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/gorilla/sessions"
	"github.com/jackc/pgx/v5"

	"stella/workflow"
)

// Sessions keeps browser sessions, as gorilla/sessions asks for them. The
// cookie holds an opaque secret, the table its digest, so that a session can
// be ended and no row can be used as one. Keys and values are strings.
type Sessions struct {
	Store   *Store
	Options sessions.Options // of the cookie
	Life    time.Duration    // since the last request
	Now     func() time.Time
}

// Get returns the session of the request, which is new where there is none.
func (s *Sessions) Get(r *http.Request, name string) (*sessions.Session, error) {
	return sessions.GetRegistry(r).Get(s, name)
}

// New reads the session of the request's cookie and prolongs it. A cookie that
// is unknown, ended or garbage gives a new session, and no error.
func (s *Sessions) New(r *http.Request, name string) (*sessions.Session, error) {
	session := sessions.NewSession(s, name)
	options := s.Options
	session.Options, session.IsNew = &options, true
	cookie, err := r.Cookie(name)
	if err != nil {
		return session, nil
	}
	now := s.Now()
	var content map[string]string
	err = s.Store.pool.QueryRow(r.Context(), `
		update sessions set expires_at = $2 where digest = $1 and expires_at > $3 returning content`,
		workflow.Digest(cookie.Value), now.Add(s.Life), now).Scan(&content)
	if errors.Is(err, pgx.ErrNoRows) {
		return session, nil
	}
	if err != nil {
		return session, fmt.Errorf("reading a session: %w", err)
	}
	session.ID, session.IsNew = cookie.Value, false
	for k, v := range content {
		session.Values[k] = v
	}
	return session, nil
}

// Save writes the session and its cookie; a negative MaxAge ends both. A new
// session gets its secret here, unless its ID is one already.
func (s *Sessions) Save(r *http.Request, w http.ResponseWriter, session *sessions.Session) error {
	if session.Options.MaxAge < 0 {
		http.SetCookie(w, sessions.NewCookie(session.Name(), "", session.Options))
		_, err := s.Store.pool.Exec(r.Context(), `delete from sessions where digest = $1`, workflow.Digest(session.ID))
		if err != nil {
			return fmt.Errorf("ending a session: %w", err)
		}
		return nil
	}
	if session.ID == "" {
		session.ID = rand.Text() + rand.Text()
	}
	content := make(map[string]string, len(session.Values))
	for k, v := range session.Values {
		content[fmt.Sprint(k)] = fmt.Sprint(v)
	}
	_, err := s.Store.pool.Exec(r.Context(), `
		insert into sessions (digest, content, expires_at) values ($1, $2, $3)
		on conflict (digest) do update set content = $2, expires_at = $3`,
		workflow.Digest(session.ID), content, s.Now().Add(s.Life))
	if err != nil {
		return fmt.Errorf("writing a session: %w", err)
	}
	http.SetCookie(w, sessions.NewCookie(session.Name(), session.ID, session.Options))
	return nil
}
