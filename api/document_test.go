package api_test

import (
	"encoding/json"
	"flag"
	"log/slog"
	"os"
	"slices"
	"strings"
	"testing"

	"stella/store/storetest"
	"stella/workflow"
)

var write = flag.Bool("write", false, "write openapi.json")

// served is the OpenAPI document, for everybody.
func served(t *testing.T) string {
	t.Helper()
	s := server(&workflow.Procedure{}, slog.New(slog.DiscardHandler))
	a := call(t, s.Handler(), "GET", "/api/v1/openapi.json", "")
	if a.Code != 200 || a.Header().Get("Content-Type") != "application/openapi+json" {
		t.Fatalf("%d %v %s", a.Code, a.Header(), a.text)
	}
	return a.text
}

// What is kept in the repository, for code generators and for who reviews a
// change, is what is served, to the byte.
func TestTheOpenAPIDocumentIsKept(t *testing.T) {
	now := served(t)
	if *write {
		storetest.Must(t, os.WriteFile("openapi.json", []byte(now), 0o644))
	}
	kept, err := os.ReadFile("openapi.json")
	storetest.Must(t, err)
	if string(kept) != now {
		t.Error("api/openapi.json is older than the code: run make generate")
	}
}

// openAPI is what the tests read of the document.
type openAPI struct {
	OpenAPI    string
	Info       struct{ Version string }
	Servers    []struct{ URL string }
	Tags       []struct{ Name string }
	Paths      map[string]map[string]documented
	Components struct {
		SecuritySchemes map[string]struct{ Scheme string }
		Schemas         map[string]schema
	}
	Security []map[string][]string
}

type documented struct {
	OperationID string
	Tags        []string
	Summary     string
	Description string
	Parameters  []struct {
		Name, Description, In string
		Example               any
	}
	RequestBody *struct{ Content map[string]media }
	Responses   map[string]struct {
		Description string
		Content     map[string]media
	}
}

type media struct {
	Schema  schema
	Example any
}

type schema struct {
	Ref                  string `json:"$ref"`
	Type                 any
	Description          string
	Items                *schema
	Properties           map[string]schema
	AdditionalProperties any
	Required             []string
}

func readOpenAPI(t *testing.T) openAPI {
	t.Helper()
	var doc openAPI
	storetest.Must(t, json.Unmarshal([]byte(served(t)), &doc))
	return doc
}

func TestTheOpenAPIDocument(t *testing.T) {
	t.Parallel()
	doc := readOpenAPI(t)
	if !strings.HasPrefix(doc.OpenAPI, "3.1") || doc.Info.Version != "1.0.0" || len(doc.Servers) != 1 || doc.Servers[0].URL != "/" {
		t.Errorf("%s %+v %+v", doc.OpenAPI, doc.Info, doc.Servers)
	}
	if doc.Components.SecuritySchemes["client"].Scheme != "bearer" || len(doc.Security) != 1 {
		t.Errorf("the token is not asked for: %+v", doc.Security)
	}
	tags := map[string]bool{}
	for _, tag := range doc.Tags {
		tags[tag.Name] = true
	}
	for path, methods := range doc.Paths {
		for method, op := range methods {
			name := method + " " + path
			if op.OperationID == "" || op.Summary == "" || strings.HasSuffix(op.Summary, ".") || !strings.Contains(op.Description, "Scopes: ") {
				t.Errorf("%s is not described: %+v", name, op)
			}
			if len(op.Tags) != 1 || !tags[op.Tags[0]] {
				t.Errorf("%s has the tags %q", name, op.Tags)
			}
			for _, p := range op.Parameters {
				if p.Description == "" || p.Example == nil {
					t.Errorf("%s: the parameter %s has no description or no example", name, p.Name)
				}
				if p.Name == "Authorization" {
					t.Errorf("%s has the token for a parameter", name)
				}
			}
			for _, status := range []string{"401", "429", "500", "503"} {
				if op.Responses[status].Description == "" {
					t.Errorf("%s does not tell of %s", name, status)
				}
			}
			if op.RequestBody != nil {
				doc.exemplified(t, name, op.RequestBody.Content)
			}
			for status, r := range op.Responses {
				if r.Description == "" {
					t.Errorf("%s: %s is not described", name, status)
				}
				doc.exemplified(t, name+" "+status, r.Content)
			}
		}
	}
	for name, s := range doc.Components.Schemas {
		if s.AdditionalProperties != false {
			t.Errorf("%s takes fields that nobody knows", name)
		}
		for field, p := range s.Properties {
			if p.Description == "" {
				t.Errorf("%s.%s is not described", name, field)
			}
		}
	}
}

// exemplified checks that the bodies have an example, with every field.
func (d openAPI) exemplified(t *testing.T, name string, bodies map[string]media) {
	t.Helper()
	for _, m := range bodies {
		if strings.HasPrefix(m.Schema.Ref, "#/components/schemas/Problem") {
			if m.Example == nil {
				t.Errorf("%s has no example", name)
			}
			continue
		}
		d.complete(t, name, m.Schema, m.Example)
	}
}

func (d openAPI) complete(t *testing.T, place string, s schema, example any) {
	t.Helper()
	if s.Ref != "" {
		s = d.Components.Schemas[strings.TrimPrefix(s.Ref, "#/components/schemas/")]
	}
	switch e := example.(type) {
	case nil:
		t.Errorf("%s has no example", place)
	case map[string]any:
		for field, p := range s.Properties {
			if _, ok := e[field]; ok || slices.Contains(s.Required, field) {
				d.complete(t, place+"."+field, p, e[field])
			}
		}
	case []any:
		for _, item := range e {
			d.complete(t, place+"[]", *s.Items, item)
		}
	}
}
