package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
)

//go:generate go test . -run TestOpenAPIFileIsCurrent -write

// version is the version of the API. Clients of one version 1.x work with all
// others.
const version = "1.0.0"

const about = `The API for the programs of a PEC provider: webmails, the registry of mailboxes, back office and audit.

A client authenticates with its bearer token. Its scopes determine which operations it may call. ` +
	`For a client, mailboxes outside its domains do not exist.

Errors are problem documents (RFC 9457). If a write with an ` + "`Idempotency-Key`" + ` succeeds, repetitions within a day ` +
	`return its response. Lists are read page by page: send ` + "`next`" + ` of a page as ` + "`after`" + ` to get the following page.`

func config() huma.Config {
	c := huma.DefaultConfig("Stella", version)
	c.OpenAPIPath, c.DocsPath, c.SchemasPath = "", "", "" // document serves it
	c.CreateHooks = nil                                   // responses have no links to schemas
	c.Formats = map[string]huma.Format{"application/json": jsonFormat, "json": jsonFormat}
	c.Info.Description = about
	c.Info.License = nil
	c.Servers = []*huma.Server{{URL: "/", Description: "The service that served this document"}}
	c.Tags = []*huma.Tag{
		{Name: "Mailboxes", Description: "The status of mailboxes, and the provider's register of mailboxes."},
		{Name: "Hand-offs", Description: "The start of the procedure from the webmail."},
		{Name: "Qualifications", Description: "The cases of mailboxes, for operators and auditors."},
		{Name: "Invitations", Description: "The invitations of delegates to the holders of mailboxes."},
		{Name: "Events", Description: "The events of mailboxes, in order."},
	}
	c.Components.SecuritySchemes = map[string]*huma.SecurityScheme{"client": {Type: "http", Scheme: "bearer",
		Description: "The token that `stella client add` printed for this client."}}
	c.Security = []map[string][]string{{"client": {}}}
	c.OnAddOperation = append(c.OnAddOperation, addExamples)
	return c
}

// document returns the handler that serves the OpenAPI document.
func document(api *huma.OpenAPI) http.Handler {
	for _, s := range api.Components.Schemas.Map() {
		for _, property := range s.Properties {
			property.PatternDescription = "" // not a keyword of OpenAPI; huma has already used it for its messages
		}
	}
	text, err := json.Marshal(api)
	if err != nil {
		panic(fmt.Sprintf("writing the OpenAPI document: %v", err))
	}
	var indented bytes.Buffer
	if err := json.Indent(&indented, text, "", "\t"); err != nil {
		panic(fmt.Sprintf("indenting the OpenAPI document: %v", err))
	}
	indented.WriteByte('\n')
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/openapi+json")
		w.Write(indented.Bytes())
	})
}
