package api

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"stella/workflow"
)

// operation is one of the API, for clients with one of its scopes.
type operation[I, O any] struct {
	huma.Operation
	scopes []workflow.Scope
	do     func(context.Context, workflow.Client, *I) (*O, error)
}

// register adds an operation. Who calls is known before anything else is looked
// at, the body included; an error is answered by the table of fault.
func register[I, O any](s *Server, routes huma.API, op operation[I, O]) {
	names := make([]string, len(op.scopes))
	for i, scope := range op.scopes {
		names[i] = "`" + string(scope) + "`"
	}
	op.Description = strings.TrimSpace(op.Description + "\n\nScopes: " + strings.Join(names, " or ") + ".")
	op.Middlewares = append(huma.Middlewares{s.authenticate(op.scopes)}, op.Middlewares...)
	op.Errors = append(op.Errors, http.StatusUnauthorized, http.StatusForbidden, http.StatusTooManyRequests, http.StatusServiceUnavailable)
	huma.Register(routes, op.Operation, func(ctx context.Context, in *I) (*O, error) {
		client, _ := ctx.Value(clientKey{}).(workflow.Client)
		out, err := once(ctx, s, op.OperationID, client, in, op.do)
		if err != nil {
			return nil, s.fault(ctx, err)
		}
		return out, nil
	})
}

type clientKey struct{}

// authenticate turns away who brings no good token, or one without the scope.
func (s *Server) authenticate(scopes []workflow.Scope) func(huma.Context, func(huma.Context)) {
	return func(routes huma.Context, next func(huma.Context)) {
		token := bearer(routes.Header("Authorization"))
		if token == "" {
			s.refuse(routes, noToken())
			return
		}
		client, err := s.Procedure.Authenticate(routes.Context(), token)
		if err == nil && !client.May(scopes...) {
			err = workflow.ErrForbidden
		}
		if err != nil {
			s.refuse(routes, s.fault(routes.Context(), err))
			return
		}
		next(huma.WithValue(routes, clientKey{}, client))
	}
}

// needToken turns away who brings no token, where the operation itself looks at
// it.
func (s *Server) needToken(routes huma.Context, next func(huma.Context)) {
	if bearer(routes.Header("Authorization")) == "" {
		s.refuse(routes, noToken())
		return
	}
	next(routes)
}

func noToken() error {
	return huma.ErrorWithHeaders(huma.Error401Unauthorized("a bearer token is needed"), http.Header{"WWW-Authenticate": {"Bearer"}})
}

// refuse answers with an error before the operation is reached.
func (s *Server) refuse(routes huma.Context, err error) {
	var headers huma.HeadersError
	if errors.As(err, &headers) {
		for name, values := range headers.GetHeaders() {
			for _, v := range values {
				routes.AppendHeader(name, v)
			}
		}
	}
	status := http.StatusInternalServerError
	var known huma.StatusError
	if errors.As(err, &known) {
		status = known.GetStatus()
	}
	routes.SetHeader("Content-Type", "application/problem+json")
	routes.SetStatus(status)
	json.NewEncoder(routes.BodyWriter()).Encode(known)
}

func bearer(header string) string {
	scheme, token, ok := strings.Cut(header, " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

// Once is the part of an operation's input that lets its client repeat it: the
// call is done once, and its answer given again for a day. A call that failed
// was not done, and may be repeated with the same key.
type Once struct {
	Key string `header:"Idempotency-Key" maxLength:"200" doc:"a key of the client's own, such as a UUID: the call is done once however often it is made with this key, within a day" example:"6f1c3f9e-6d0d-4b2e-9a55-0a1c8f6a7a10"`
}

func (o *Once) key() string { return o.Key }

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
	request := sha256.Sum256(append([]byte(operation+"\n"), asked...))
	call := workflow.Call{Client: client.ID, Key: workflow.Digest(keyed.key()), Request: request[:], At: s.Procedure.Now()}
	store := s.Procedure.Store
	answer, err := store.ClaimCall(ctx, call)
	if err != nil {
		return nil, err
	}
	if answer != nil {
		out := new(O)
		return out, json.Unmarshal(answer, out)
	}
	out, err := do(ctx, client, in)
	if err != nil {
		return nil, errors.Join(err, store.ReleaseCall(ctx, call))
	}
	if answer, err = json.Marshal(out); err != nil {
		return nil, err
	}
	return out, store.FinishCall(ctx, call, answer)
}
