package api

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"stella/client"
)

// addExamples adds the examples and descriptions of an operation's parameters,
// bodies and responses to the document. The example of a body is made from the
// examples of its fields.
func addExamples(api *huma.OpenAPI, op *huma.Operation) {
	if op.SkipValidateParams && op.RequestBody == nil {
		delete(op.Responses, strconv.Itoa(http.StatusUnprocessableEntity)) // huma adds it anyway
	}
	for _, p := range op.Parameters {
		if p.Schema != nil {
			p.Example = example(api, p.Schema)
		}
	}
	if op.RequestBody != nil {
		for _, body := range op.RequestBody.Content {
			body.Example = example(api, body.Schema)
		}
	}
	for name, r := range op.Responses {
		status, _ := strconv.Atoi(name)
		switch {
		case status == http.StatusNotModified:
			r.Description, r.Content = "Nothing has changed since the response with this ETag.", nil
		case status >= 400:
			addProblemExample(op, r, status)
		default:
			if r.Description == http.StatusText(status) {
				r.Description = successes[status]
			}
			for _, body := range r.Content {
				body.Example = example(api, body.Schema)
			}
		}
	}
}

// addProblemExample sets the description and the example of an error response.
func addProblemExample(op *huma.Operation, r *huma.Response, status int) {
	f := failures[status]
	r.Description = f.description
	p := client.Problem{
		Type:   "about:blank",
		Title:  http.StatusText(status),
		Status: status,
		Detail: cmp.Or(details[op.Tags[0]][status], f.detail),
	}
	if status == http.StatusUnprocessableEntity {
		p.Errors = []client.Fault{{Location: "query.unheard", Message: "unknown query parameter"}}
		if op.RequestBody != nil {
			p.Errors = []client.Fault{{Location: "body.unheard", Message: "unexpected property"}}
		}
	}
	for _, body := range r.Content {
		body.Example = p
	}
}

var successes = map[int]string{
	http.StatusOK:        "Done.",
	http.StatusCreated:   "Created.",
	http.StatusNoContent: "Done, without a response body.",
}

// failures has a description of each error status, and an example of its detail.
var failures = map[int]struct{ description, detail string }{
	http.StatusBadRequest: {
		description: "The body is missing, or is not JSON.",
		detail:      "request body is required",
	},
	http.StatusUnauthorized: {
		description: "There is no token, or it is not valid.",
		detail:      "the token is not known",
	},
	http.StatusForbidden: {
		description: "The client does not have a scope that the operation needs.",
		detail:      "this client does not have a scope that the operation needs",
	},
	http.StatusNotFound: {
		description: "It does not exist, or is not in the client's domains.",
		detail:      "the mailbox is not known to this client",
	},
	http.StatusConflict: {
		description: "The current state does not allow it.",
		detail:      "the call with this Idempotency-Key is in progress: try again",
	},
	http.StatusPreconditionFailed: {
		description: "It has changed since the version in If-Match, or it exists already.",
		detail:      "the record was changed since",
	},
	http.StatusRequestEntityTooLarge: {
		description: "The body is too large.",
		detail:      "request body is too large limit=16384 bytes",
	},
	http.StatusUnsupportedMediaType: {
		description: "The body is not JSON in UTF-8, or is compressed.",
		detail:      "the body must be UTF-8",
	},
	http.StatusUnprocessableEntity: {
		description: "The request is invalid. The field errors lists what is wrong, and where.",
		detail:      "validation failed",
	},
	http.StatusTooManyRequests: {
		description: "Too many calls of this client, or of one mailbox: try again after Retry-After seconds.",
		detail:      "too many calls, or too many hand-offs of one mailbox: try again after Retry-After seconds",
	},
	http.StatusInternalServerError: {
		description: "An internal error. Nothing was lost.",
		detail:      failed,
	},
	http.StatusServiceUnavailable: {
		description: "The database cannot be reached; nothing was lost: try again after Retry-After seconds.",
		detail:      "the database cannot be reached; nothing was lost: try again",
	},
}

// details replaces the examples of failures for the operations of a tag.
var details = map[string]map[int]string{
	"Hand-offs": {http.StatusConflict: "the mailbox is not active, and cannot be qualified"},
	"Qualifications": {
		http.StatusNotFound:           "the case is not known to this client",
		http.StatusConflict:           "case 42 of anna.neri@pec.example is over: its current case is 57",
		http.StatusPreconditionFailed: `the case was changed since: it is at version "18"`,
	},
	"Invitations": {
		http.StatusNotFound: "the invitation is not known to this client",
		http.StatusConflict: "the invitation has ended: it was replaced",
	},
}

// example returns the example of a schema. Without one, it is made from the examples
// of the schema's parts.
func example(api *huma.OpenAPI, s *huma.Schema) any {
	if s.Ref != "" {
		if len(s.Examples) > 0 {
			return s.Examples[0]
		}
		s = api.Components.Schemas.SchemaFromRef(s.Ref)
	}
	switch {
	case len(s.Examples) > 0:
		return s.Examples[0]
	case s.Type == huma.TypeArray:
		return []any{example(api, s.Items)}
	case s.Type == huma.TypeObject:
		object := map[string]any{}
		for name, property := range s.Properties {
			// Leave out optional lists without an example: they are rarely present.
			if property.Type == huma.TypeArray && len(property.Examples) == 0 && !slices.Contains(s.Required, name) {
				continue
			}
			if e := example(api, property); e != nil {
				object[name] = e
			}
		}
		return object
	}
	return nil
}
