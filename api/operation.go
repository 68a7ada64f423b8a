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

	"stella/middleware"
	"stella/workflow"
)

// operation is an operation of the API. Clients with one of its scopes may call it.
type operation[I, O any] struct {
	huma.Operation
	scopes []workflow.Scope
	do     func(context.Context, workflow.Client, *I) (*O, error)
}

// bodyErrors are the error statuses of every operation with a request body.
var bodyErrors = []int{
	http.StatusBadRequest,
	http.StatusRequestEntityTooLarge,
	http.StatusUnsupportedMediaType,
	http.StatusUnprocessableEntity,
}

// register adds an operation. The client is authenticated before the parameters and
// the body are read. fault maps an error of the operation to its response.
func register[I, O any](s *Server, routes huma.API, op operation[I, O]) {
	op.Middlewares = append(huma.Middlewares{s.authenticate(op.scopes), requireUTF8}, op.Middlewares...)
	op.Operation = withCommonParts(op.Operation, op.scopes)
	op.RejectUnknownQueryParameters = true
	huma.Register(routes, op.Operation, func(ctx context.Context, in *I) (*O, error) {
		client, _ := ctx.Value(clientKey{}).(workflow.Client)
		out, err := doOnce(ctx, s, op.OperationID, client, in, op.do)
		if err != nil {
			return nil, s.fault(ctx, err)
		}
		return out, nil
	})
}

// withCommonParts adds what all operations have in common: the scopes in the
// description, and the common error statuses.
func withCommonParts(op huma.Operation, scopes []workflow.Scope) huma.Operation {
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

// authenticate returns a middleware that answers 401 if the token is missing or
// invalid, and 403 if the client has none of the scopes.
func (s *Server) authenticate(scopes []workflow.Scope) func(huma.Context, func(huma.Context)) {
	return func(c huma.Context, next func(huma.Context)) {
		token := bearer(c.Header("Authorization"))
		if token == "" {
			refuse(c, noToken(c.Context()))
			return
		}
		client, err := s.Provider.Authenticate(c.Context(), token)
		middleware.By(c.Context(), client.Name)
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
	middleware.Refuse(ctx, "no_token", nil)
	return unauthorized("a bearer token is needed")
}

func bearer(header string) string {
	scheme, token, ok := strings.Cut(header, " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

// requireUTF8 answers 415 if the body is compressed or in a character encoding other
// than UTF-8, because it would be misread.
func requireUTF8(c huma.Context, next func(huma.Context)) {
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
	errNameTwice = errors.New("an object has a duplicate name")
)

// jsonFormat is huma's JSON format, but it refuses two kinds of input that
// encoding/json accepts silently: text that is not UTF-8, and objects with two
// members of the same name (RFC 8259, section 4).
var jsonFormat = huma.Format{Marshal: huma.DefaultJSONFormat.Marshal, Unmarshal: func(data []byte, v any) error {
	if !utf8.Valid(data) {
		return errEncoding
	}
	if _, err := jsontext.NewDecoder(bytes.NewBuffer(data)).ReadValue(); errors.Is(err, jsontext.ErrDuplicateName) {
		return errNameTwice
	}
	return huma.DefaultJSONFormat.Unmarshal(data, v)
}}
