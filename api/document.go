package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"stella/client"
)

//go:generate go test . -run TestTheOpenAPIDocumentIsKept -write

// version is the API's own: clients of a version 1 go on to work with every
// other version 1.
const version = "1.0.0"

const about = `For the programs of a PEC provider: webmails, the registry of mailboxes, back office and audit.

A client authenticates by its bearer token. What it may do is told by its scopes, and what lies outside its mailbox domains is unknown to it.

Errors are problem documents (RFC 9457). A write that carries an ` + "`Idempotency-Key`" + ` is done once, however often it is sent within a day. Lists are read page by page: ` + "`next`" + ` of one is ` + "`after`" + ` of the following.`

func config() huma.Config {
	c := huma.DefaultConfig("Stella", version)
	c.OpenAPIPath, c.DocsPath, c.SchemasPath = "", "", "" // document serves it
	c.CreateHooks = nil                                   // no links to schemas in answers
	c.Formats = map[string]huma.Format{"application/json": jsonFormat, "json": jsonFormat}
	c.Info.Description = about
	c.Info.License = nil
	c.Servers = []*huma.Server{{URL: "/", Description: "The service that served this document"}}
	c.Tags = []*huma.Tag{
		{Name: "Mailboxes", Description: "What is to be shown beside a mailbox, and the provider's register of them."},
		{Name: "Hand-offs", Description: "How a webmail's user comes to Stella."},
		{Name: "Qualifications", Description: "The cases of mailboxes, for operators and auditors."},
		{Name: "Invitations", Description: "The invitations of delegates to the holders of mailboxes."},
		{Name: "Events", Description: "What happened to mailboxes, in order."},
	}
	c.Components.SecuritySchemes = map[string]*huma.SecurityScheme{"client": {Type: "http", Scheme: "bearer",
		Description: "The token that `stella client add` printed for this client."}}
	c.Security = []map[string][]string{{"client": {}}}
	c.OnAddOperation = append(c.OnAddOperation, exemplify)
	return c
}

// document serves the OpenAPI document.
func document(api *huma.OpenAPI) http.Handler {
	for _, s := range api.Components.Schemas.Map() {
		for _, property := range s.Properties {
			property.PatternDescription = "" // of huma's own, whose messages are made by now
		}
	}
	text, err := json.Marshal(api)
	if err != nil {
		panic(fmt.Sprintf("writing the OpenAPI document: %v", err))
	}
	var indented bytes.Buffer
	json.Indent(&indented, text, "", "\t")
	indented.WriteByte('\n')
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/openapi+json")
		w.Write(indented.Bytes())
	})
}

// exemplify gives an operation its examples: those of its bodies are made from
// the examples of their fields.
func exemplify(api *huma.OpenAPI, op *huma.Operation) {
	if op.SkipValidateParams && op.RequestBody == nil {
		delete(op.Responses, strconv.Itoa(http.StatusUnprocessableEntity)) // huma tells of it all the same
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
			r.Description, r.Content = "Nothing changed since the answer that the ETag came with.", nil
		case status >= 400:
			f := failures[status]
			r.Description = f.description
			p := client.Problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: f.detail}
			if status == http.StatusUnprocessableEntity {
				p.Errors = []client.Fault{f.fault}
			}
			for _, body := range r.Content {
				body.Example = p
			}
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

var successes = map[int]string{
	http.StatusOK:        "Done.",
	http.StatusCreated:   "Made.",
	http.StatusNoContent: "Done; there is nothing to say.",
}

// failures say of each status of a problem what it means, with an example.
var failures = map[int]struct {
	description, detail string
	fault               client.Fault
}{
	http.StatusBadRequest:            {description: "The body is missing, or is no JSON.", detail: "request body is required"},
	http.StatusUnauthorized:          {description: "There is no token, or it is not a good one.", detail: "the token is not known"},
	http.StatusForbidden:             {description: "The client has not the scope that is needed.", detail: "this client has not the scope that the operation needs"},
	http.StatusNotFound:              {description: "It does not exist, or is not of the client's domains.", detail: "the mailbox is not known to this client"},
	http.StatusConflict:              {description: "It cannot be done as things stand.", detail: "the mailbox is not active, and cannot be qualified"},
	http.StatusPreconditionFailed:    {description: "It was changed since the version that If-Match names, or is there already.", detail: "the record was changed since"},
	http.StatusRequestEntityTooLarge: {description: "The body is too large.", detail: "request body is too large limit=16384 bytes"},
	http.StatusUnsupportedMediaType:  {description: "The body is not JSON in UTF-8, or is compressed.", detail: "the body must be UTF-8"},
	http.StatusUnprocessableEntity: {description: "Something in the request is wrong; errors says what and where.", detail: "validation failed",
		fault: client.Fault{Location: "body.unheard", Message: "unexpected property"}},
	http.StatusTooManyRequests:     {description: "Too many calls of this client, or of one mailbox: try again after Retry-After seconds.", detail: "too many calls, or too many hand-offs of one mailbox: try again after Retry-After seconds"},
	http.StatusInternalServerError: {description: "Something failed here; nothing was lost.", detail: failed},
	http.StatusServiceUnavailable:  {description: "The database cannot be reached; nothing was lost: try again after Retry-After seconds.", detail: "the database cannot be reached; nothing was lost: try again"},
}

// example makes an example of a schema from those of its parts.
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
			// A list that may be left out, and has no example of its own, is rarely there.
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
