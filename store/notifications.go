package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// notifyMail is the end of a statement: it notifies the queue $2 of a mail at the commit.
const notifyMail = `select pg_notify(current_schema() || '.mail', $2)`

// An idle connection that listens is tested at this interval, because it can be lost
// without notice. Notifications that are sent meanwhile are lost too.
const listenTestInterval = 5 * time.Second

// ListenForMails calls listening when it begins to listen, and mail with the name of its
// queue for each mail that is requested after that. It uses a connection of its own. It
// returns when the connection fails or ctx ends.
func (s *Store) ListenForMails(ctx context.Context, listening func(), mail func(queue string)) error {
	conn, err := pgx.ConnectConfig(ctx, s.pool.Config().ConnConfig)
	if err != nil {
		return fmt.Errorf("listening for mails: %w", err)
	}
	defer func() {
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), pingTimeout)
		defer cancel()
		conn.Close(closing)
	}()
	var schema string
	if err := conn.QueryRow(ctx, `select current_schema()`).Scan(&schema); err != nil {
		return fmt.Errorf("listening for mails: %w", err)
	}
	if _, err := conn.Exec(ctx, `listen `+pgx.Identifier{schema + ".mail"}.Sanitize()); err != nil {
		return fmt.Errorf("listening for mails: %w", err)
	}
	listening()
	for {
		queue, err := waitForNotification(ctx, conn)
		switch {
		case err != nil:
			return fmt.Errorf("listening for mails: %w", err)
		case queue != "":
			mail(queue)
		}
	}
}

// waitForNotification returns the content of the next notification, or "" if there is
// none for a while and the connection still works.
func waitForNotification(ctx context.Context, conn *pgx.Conn) (string, error) {
	waiting, cancel := context.WithTimeout(ctx, listenTestInterval)
	defer cancel()
	n, err := conn.WaitForNotification(waiting)
	if err == nil {
		return n.Payload, nil
	}
	if ctx.Err() != nil || !errors.Is(err, context.DeadlineExceeded) || conn.IsClosed() {
		return "", err
	}
	testing, cancel := context.WithTimeout(ctx, pingTimeout)
	defer cancel()
	return "", conn.Ping(testing)
}
