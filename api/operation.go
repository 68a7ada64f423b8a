package api

import (
	"bytes"
	"context"
	"errors"
	"mime"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-json-experiment/json/jsontext"

	"stella/request"
	"stella/workflow"
)

// operation is one of the API, for clients with one of its scopes.
type operation[I, O any] struct {
	huma.Operation
	scopes []workflow.Scope
	do     func(context.Context, workflow.Client, *I) (*O, error)
}

// bodyErrors are those of every operation that reads a body.
var bodyErrors = []int{http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity}

// register adds an operation. Who calls is known before anything else is looked
// at, the body included; an error is answered by the table of fault.
func register[I, O any](s *Server, routes huma.API, op operation[I, O]) {
	op.Middlewares = append(huma.Middlewares{s.authenticate(op.scopes), readable}, op.Middlewares...)
	op.Operation = described(op.Operation, op.scopes)
	op.RejectUnknownQueryParameters = true
	huma.Register(routes, op.Operation, func(ctx context.Context, in *I) (*O, error) {
		client, _ := ctx.Value(clientKey{}).(workflow.Client)
		out, err := once(ctx, s, op.OperationID, client, in, op.do)
		if err != nil {
			return nil, s.fault(ctx, err)
		}
		return out, nil
	})
}

// described says of an operation what holds for all.
func described(op huma.Operation, scopes []workflow.Scope) huma.Operation {
	names := make([]string, len(scopes))
	for i, scope := range scopes {
		names[i] = "`" + string(scope) + "`"
	}
	op.Description = strings.TrimSpace(op.Description + "\n\nScopes: " + strings.Join(names, " or ") + ".")
	op.Errors = append(op.Errors, http.StatusUnauthorized, http.StatusTooManyRequests, http.StatusServiceUnavailable)
	if len(scopes) < len(workflow.Scopes) {
		op.Errors = append(op.Errors, http.StatusForbidden)
	}
	return op
}

type clientKey struct{}

// authenticate turns away who brings no good token, or one without the scope.
func (s *Server) authenticate(scopes []workflow.Scope) func(huma.Context, func(huma.Context)) {
	return func(c huma.Context, next func(huma.Context)) {
		token := bearer(c.Header("Authorization"))
		if token == "" {
			refuse(c, noToken(c.Context()))
			return
		}
		client, err := s.Procedure.Authenticate(c.Context(), token)
		request.By(c.Context(), client.Name)
		if err == nil && !client.May(scopes...) {
			err = workflow.ErrForbidden
		}
		if err != nil {
			refuse(c, s.fault(c.Context(), err))
			return
		}
		next(huma.WithValue(c, clientKey{}, client))
	}
}

func noToken(ctx context.Context) error {
	request.Refuse(ctx, "no_token", nil)
	return unauthorized("a bearer token is needed")
}

func bearer(header string) string {
	scheme, token, ok := strings.Cut(header, " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

// readable turns away a body that is compressed or in another character
// encoding: either would be read as something else.
func readable(c huma.Context, next func(huma.Context)) {
	if e := c.Header("Content-Encoding"); e != "" && !strings.EqualFold(e, "identity") {
		refuse(c, refusal(http.StatusUnsupportedMediaType, "the body must not be compressed"))
		return
	}
	_, parameters, err := mime.ParseMediaType(c.Header("Content-Type"))
	if charset := parameters["charset"]; err == nil && charset != "" && !strings.EqualFold(charset, "utf-8") {
		refuse(c, refusal(http.StatusUnsupportedMediaType, "the body must be UTF-8"))
		return
	}
	next(c)
}

var (
	errEncoding  = errors.New("it is not UTF-8 text")
	errNameTwice = errors.New("an object has one name twice")
)

// jsonFormat is huma's, without what encoding/json replaces silently: text that
// is not UTF-8, and all but the last of the members of one name (RFC 8259,
// section 4).
var jsonFormat = huma.Format{Marshal: huma.DefaultJSONFormat.Marshal, Unmarshal: func(data []byte, v any) error {
	if !utf8.Valid(data) {
		return errEncoding
	}
	if _, err := jsontext.NewDecoder(bytes.NewBuffer(data)).ReadValue(); errors.Is(err, jsontext.ErrDuplicateName) {
		return errNameTwice
	}
	return huma.DefaultJSONFormat.Unmarshal(data, v)
}}
