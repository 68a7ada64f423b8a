package api

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"time"

	"stella/request"
	"stella/workflow"
)

// Once is the part of an operation's input that lets its client repeat it: the
// call is done once, and its answer given again for a day. A call that failed
// was not done, and may be repeated with the same key.
type Once struct {
	Key string `header:"Idempotency-Key" maxLength:"200" doc:"a key of the client's own, such as a UUID: the call is done once however often it is made with this key, within a day" example:"6f1c3f9e-6d0d-4b2e-9a55-0a1c8f6a7a10"`
}

func (o *Once) key() string { return o.Key }

// Replayed is the part of such an operation's output that tells an answer that
// is given again.
type Replayed struct {
	Replayed string `header:"Idempotency-Replayed" doc:"true where the call had been done before, and this is the answer it got then" example:"true"`
}

func (r *Replayed) again() { r.Replayed = "true" }

// settling is how long the end of a call may take to be written, whether or not
// its client is still there.
const settling = 5 * time.Second

// once does a call, or gives the answer of the one that was done.
func once[I, O any](ctx context.Context, s *Server, operation string, client workflow.Client, in *I, do func(context.Context, workflow.Client, *I) (*O, error)) (*O, error) {
	keyed, ok := any(in).(interface{ key() string })
	if !ok || keyed.key() == "" {
		return do(ctx, client, in)
	}
	asked, err := json.Marshal(in)
	if err != nil {
		return nil, err
	}
	what := sha256.Sum256(append([]byte(operation+"\n"), asked...))
	call := workflow.Call{Client: client.ID, Key: workflow.Digest(keyed.key()), Request: what[:], At: s.Procedure.Now()}
	store := s.Procedure.Store
	answer, err := store.ClaimCall(ctx, call)
	if err != nil {
		return nil, err
	}
	if answer != nil {
		out := new(O)
		if err := json.Unmarshal(answer, out); err != nil {
			return nil, err
		}
		if r, ok := any(out).(interface{ again() }); ok {
			r.again()
		}
		return out, nil
	}
	out, err := do(ctx, client, in)
	settle, cancel := context.WithTimeout(context.WithoutCancel(ctx), settling)
	defer cancel()
	if err != nil {
		return nil, errors.Join(err, store.ReleaseCall(settle, call))
	}
	answer, err = json.Marshal(out)
	if err == nil {
		err = store.FinishCall(settle, call, answer)
	}
	if err != nil { // it was done all the same, and its client is to know
		s.Log.WarnContext(ctx, "the answer of a call was not kept: it may be done again", "request", request.ID(ctx), "operation", operation, "error", err)
	}
	return out, nil
}
