package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"stella/workflow"
)

// ClaimCall claims an idempotency key before the call is made. It returns nil and
// no error if the caller now owns the key, and must make the call. It returns the
// stored answer if the call was already made. It returns workflow.ErrCallPending
// if another process is making the call, and workflow.ErrCallDiffers if the key was
// used for another request. A claim that was never finished expires after
// workflow.CallLost.
func (s *Store) ClaimCall(ctx context.Context, c workflow.Call) ([]byte, error) {
	done, err := s.pool.Exec(ctx, `
		insert into calls (client_id, key, request, claimed_at) values ($1, $2, $3, $4)
		on conflict (client_id, key) do update set request = $3, claimed_at = $4, answer = null
		where calls.claimed_at < $5 or calls.answer is null and calls.claimed_at < $6 and calls.request = $3`,
		c.Client, c.Key, c.Request, c.At, c.At.Add(-workflow.CallLife), c.At.Add(-workflow.CallLost))
	if err != nil {
		return nil, fmt.Errorf("claiming a call: %w", err)
	}
	if done.RowsAffected() == 1 {
		return nil, nil
	}
	var request, answer []byte
	err = s.pool.QueryRow(ctx, `
		select request, answer from calls where client_id = $1 and key = $2`, c.Client, c.Key).Scan(&request, &answer)
	switch {
	case errors.Is(err, pgx.ErrNoRows): // the other call failed and was released
		return nil, workflow.ErrCallPending
	case err != nil:
		return nil, fmt.Errorf("reading a call: %w", err)
	case !bytes.Equal(request, c.Request):
		return nil, workflow.ErrCallDiffers
	case answer == nil:
		return nil, workflow.ErrCallPending
	}
	return answer, nil
}

// FinishCall stores the answer of a call that was made.
func (s *Store) FinishCall(ctx context.Context, c workflow.Call, answer []byte) error {
	_, err := s.pool.Exec(ctx, `
		update calls set answer = $4 where client_id = $1 and key = $2 and claimed_at = $3`, c.Client, c.Key, c.At, answer)
	if err != nil {
		return fmt.Errorf("keeping the answer of a call: %w", err)
	}
	return nil
}

// ReleaseCall deletes the claim of a call that failed, so that it can be made again.
func (s *Store) ReleaseCall(ctx context.Context, c workflow.Call) error {
	_, err := s.pool.Exec(ctx, `
		delete from calls where client_id = $1 and key = $2 and claimed_at = $3 and answer is null`, c.Client, c.Key, c.At)
	if err != nil {
		return fmt.Errorf("forgetting a call: %w", err)
	}
	return nil
}
