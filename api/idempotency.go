package api

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"time"

	"stella/middleware"
	"stella/workflow"
)

// Once is the part of an operation's input with the Idempotency-Key. A call with a
// key is done once: for a day, its response is stored and returned to calls with
// the same key. A call that fails is not done, and may be repeated with its key.
type Once struct {
	Key string `header:"Idempotency-Key" maxLength:"200" doc:"a key that the client chooses, such as a UUID: within a day, the call is done once, however often it is made with this key" example:"6f1c3f9e-6d0d-4b2e-9a55-0a1c8f6a7a10"`
}

func (o *Once) key() string { return o.Key }

// Replayed is the part of such an operation's output that marks a stored response.
type Replayed struct {
	Replayed string `header:"Idempotency-Replayed" doc:"true if the call was done before and this is its stored response" example:"true"`
}

func (r *Replayed) setReplayed() { r.Replayed = "true" }

// recordTimeout limits the time to store the response of a call. It is stored even
// if the client has closed the connection.
const recordTimeout = 5 * time.Second

// doOnce does a call with an Idempotency-Key, or returns the stored response if it
// was done before. A call without a key is always done.
func doOnce[I, O any](
	ctx context.Context, s *Server, operation string, client workflow.Client, in *I,
	do func(context.Context, workflow.Client, *I) (*O, error),
) (*O, error) {
	keyed, ok := any(in).(interface{ key() string })
	if !ok || keyed.key() == "" {
		return do(ctx, client, in)
	}
	text, err := json.Marshal(in)
	if err != nil {
		return nil, err
	}
	digest := sha256.Sum256(append([]byte(operation+"\n"), text...))
	call := workflow.Call{Client: client.ID, Key: workflow.Digest(keyed.key()), Request: digest[:], At: s.Provider.Now()}
	store := s.Provider.Store
	answer, err := store.ClaimCall(ctx, call)
	if err != nil {
		return nil, err
	}
	if answer != nil {
		out := new(O)
		if err := json.Unmarshal(answer, out); err != nil {
			return nil, err
		}
		if r, ok := any(out).(interface{ setReplayed() }); ok {
			r.setReplayed()
		}
		return out, nil
	}
	out, err := do(ctx, client, in)
	recordCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTimeout)
	defer cancel()
	if err != nil {
		return nil, errors.Join(err, store.ReleaseCall(recordCtx, call))
	}
	answer, err = json.Marshal(out)
	if err == nil {
		err = store.FinishCall(recordCtx, call, answer)
	}
	if err != nil { // the call was done, so the client gets its response
		s.Log.WarnContext(ctx, "the answer of a call was not kept: it may be done again",
			"request", middleware.ID(ctx), "operation", operation, "error", err)
	}
	return out, nil
}
