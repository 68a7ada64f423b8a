package api_test

import (
	"encoding/json"
	"flag"
	"log/slog"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"stella/store/storetest"
)

var write = flag.Bool("write", false, "write openapi.json")

// served returns the OpenAPI document. It needs no token.
func served(t *testing.T) string {
	t.Helper()
	s := server(broken{}, time.Now, slog.New(slog.DiscardHandler))
	a := call(t, s.Handler(), "GET", "/api/v1/openapi.json", "")
	if a.Code != 200 || a.Header().Get("Content-Type") != "application/openapi+json" {
		t.Fatalf("%d %v %s", a.Code, a.Header(), a.text)
	}
	return a.text
}

// openapi.json is byte for byte the document that is served. The repository contains
// it for code generators, and so that changes of the API are seen in reviews.
func TestOpenAPIFileIsCurrent(t *testing.T) {
	now := served(t)
	if *write {
		storetest.Must(t, os.WriteFile("openapi.json", []byte(now), 0o644))
	}
	file, err := os.ReadFile("openapi.json")
	storetest.Must(t, err)
	if string(file) != now {
		t.Error("api/openapi.json is older than the code: run make generate")
	}
}

// openAPI contains the parts of the document that the tests read.
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
		t.Errorf("no token is required: %+v", doc.Security)
	}
	tags := map[string]bool{}
	for _, tag := range doc.Tags {
		tags[tag.Name] = true
	}
	for path, methods := range doc.Paths {
		for method, op := range methods {
			name := method + " " + path
			if op.OperationID == "" || op.Summary == "" || strings.HasSuffix(op.Summary, ".") ||
				!strings.Contains(op.Description, "Scopes: ") {
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
					t.Errorf("%s has the token as a parameter", name)
				}
			}
			for _, status := range []string{"401", "429", "500", "503"} {
				if op.Responses[status].Description == "" {
					t.Errorf("%s does not describe %s", name, status)
				}
			}
			if op.RequestBody != nil {
				doc.hasExamples(t, name, op.RequestBody.Content)
			}
			for status, r := range op.Responses {
				if r.Description == "" {
					t.Errorf("%s: %s is not described", name, status)
				}
				doc.hasExamples(t, name+" "+status, r.Content)
			}
		}
	}
	for name, s := range doc.Components.Schemas {
		if s.AdditionalProperties != false {
			t.Errorf("%s allows unknown fields", name)
		}
		for field, p := range s.Properties {
			if p.Description == "" {
				t.Errorf("%s.%s is not described", name, field)
			}
		}
	}
}

// hasExamples checks that the bodies have an example with all required fields.
func (d openAPI) hasExamples(t *testing.T, name string, bodies map[string]media) {
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

// complete checks that every value in an example, and every required field, is
// present.
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
