package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"stella/store/storetest"
	"stella/workflow"
	"stella/workflow/qualification"
)

// operation is an operation of the document, with the path for the mailbox of a
// journey. Its body is the example in the document.
type operation struct {
	documented
	method, path string
	body         string
	contentType  string
}

// operations returns all operations of the document.
func operations(t *testing.T, j *storetest.Journey) []operation {
	t.Helper()
	q := j.Case().Qualification
	fill := strings.NewReplacer("{address}", j.Address, "{number}", fmt.Sprint(q.Number), "{id}", q.Invitation.ID.String())
	var all []operation
	for path, methods := range readOpenAPI(t).Paths {
		for method, op := range methods {
			w := operation{documented: op, method: strings.ToUpper(method), path: fill.Replace(path)}
			if op.RequestBody != nil {
				for contentType, body := range op.RequestBody.Content {
					text, err := json.Marshal(body.Example)
					storetest.Must(t, err)
					w.body, w.contentType = string(text), contentType
				}
			}
			all = append(all, w)
		}
	}
	if len(all) < 8 {
		t.Fatalf("only %d operations", len(all))
	}
	return all
}

var scopesIn = regexp.MustCompile("`([a-z]+)`")

// scopes returns the scopes in the description.
func (o documented) scopes() []workflow.Scope {
	_, list, _ := strings.Cut(o.Description, "Scopes: ")
	var scopes []workflow.Scope
	for _, m := range scopesIn.FindAllStringSubmatch(list, -1) {
		scopes = append(scopes, workflow.Scope(m[1]))
	}
	return scopes
}

func (w *world) callOperation(op operation, token, body string, header ...string) answer {
	w.t.Helper()
	header = append([]string{"Content-Type", op.contentType, "Authorization", "Bearer " + token}, header...)
	return call(w.t, w.handler, op.method, op.path, body, header...)
}

// invited returns a world with Anna's mailbox, whose holder has an open invitation.
func invited(t *testing.T) (*world, *storetest.Journey) {
	t.Helper()
	w := newWorld(t)
	return w, w.RecordAs(t, anna, storetest.AnnasRecord).AdvanceTo(qualification.Invited)
}

// A call without a valid token is refused before its parameters and its body are
// read.
func TestEveryOperationNeedsAValidToken(t *testing.T) {
	w, j := invited(t)
	disabled := w.addClient("disabled", storetest.Domain, workflow.Scopes...)
	storetest.Must(t, w.DisableClient(t.Context(), "disabled", w.Clock.Now()))
	rotated := w.addClient("rotated", storetest.Domain, workflow.Scopes...)
	storetest.Must(t, w.RotateToken(t.Context(), "rotated", workflow.Digest("new"), w.Clock.Now()))
	for _, op := range operations(t, j) {
		for _, body := range []string{op.body, `{`, "\xff", `[]`, `{"unheard":"of"}`, strings.Repeat(" ", 5<<20)} {
			for _, token := range []string{"", "guess", disabled, rotated} {
				a := w.callOperation(op, token, body)
				a.problem(401)
				if a.Header().Get("WWW-Authenticate") != "Bearer" {
					t.Errorf("%s: no WWW-Authenticate", op.OperationID)
				}
			}
			if op.body == "" {
				break
			}
		}
	}
}

func TestEveryOperationNeedsItsScope(t *testing.T) {
	w, j := invited(t)
	tokens := map[workflow.Scope]string{}
	for _, s := range workflow.Scopes {
		tokens[s] = w.addClient("only "+string(s), storetest.Domain, s)
	}
	for _, op := range operations(t, j) {
		allowed := op.scopes()
		if len(allowed) == 0 {
			t.Errorf("the description of %s has no scopes", op.OperationID)
		}
		for s, token := range tokens {
			if slices.Contains(allowed, s) {
				continue // TestBodies and the tests of the operation cover it
			}
			if detail := w.callOperation(op, token, op.body).problem(403); detail != op.example(403) {
				t.Errorf("%s: the detail is %q, in the example %q", op.OperationID, detail, op.example(403))
			}
			if op.body != "" {
				w.callOperation(op, token, `{`).problem(403)
			}
		}
	}
}

// listing are the operations on several mailboxes. For mailboxes of other clients they
// do not answer 404, but as if the mailboxes did not exist.
var listing = []string{
	"list-statuses", "list-mailboxes", "put-mailboxes", "list-qualifications", "list-invitations", "list-events",
}

// example returns the detail in the example of a problem.
func (o documented) example(status int) any {
	p, _ := o.Responses[fmt.Sprint(status)].Content["application/problem+json"].Example.(map[string]any)
	return p["detail"]
}

// A client with every scope can neither read nor change a mailbox outside its
// domains.
func TestNoOperationWorksOnMailboxesOfOthers(t *testing.T) {
	w, j := invited(t)
	stranger := w.addClient("stranger", "altrove.example", workflow.Scopes...)
	before := j.Case()
	for _, op := range operations(t, j) {
		a := w.callOperation(op, stranger, op.body)
		if slices.Contains(listing, op.OperationID) {
			if a.Code != 200 {
				t.Errorf("%s: %d %s", op.OperationID, a.Code, a.text)
			}
		} else if detail := a.problem(404); detail != op.example(404) {
			t.Errorf("%s: the detail is %q, in the example %q", op.OperationID, detail, op.example(404))
		}
		for _, secret := range []string{storetest.Anna, "Anna Neri", "anna.neri@mail.example", "holder@mail.example"} {
			if strings.Contains(a.text, secret) {
				t.Errorf("%s returns %s: %s", op.OperationID, secret, a.text)
			}
		}
	}
	after := j.Case()
	if after.Qualification.Version != before.Qualification.Version || after.Mailbox.Record.ID != before.Mailbox.Record.ID {
		t.Errorf("the case or its record was changed: %+v", after)
	}
}

// The examples in the document are valid bodies, and invalid bodies are refused.
func TestBodies(t *testing.T) {
	w, j := invited(t)
	token := w.addClient("all", storetest.Domain, workflow.Scopes...)
	ops := operations(t, j)
	for _, op := range ops {
		if op.body == "" {
			if a := w.callOperation(op, token, "", "If-Match", `"none"`); op.method == "GET" && a.Code != 200 {
				t.Errorf("%s: %d %s", op.OperationID, a.Code, a.text)
			}
			continue
		}
		for name, c := range map[string]struct {
			body   string
			header []string
			status int
			want   string // part of the response
		}{
			"missing":           {"", nil, 400, "body is required"},
			"malformed":         {`{"`, nil, 400, "JSON"},
			"with a name twice": {`{"records":[{"fiscal_code":"a","fiscal\u005fcode":"b"}]}`, nil, 400, "duplicate name"},
			"not UTF-8":         {"{\"mailbox\":\"\xe8\"}", nil, 400, "not UTF-8"},
			"of another encoding": {
				op.body, []string{"Content-Type", op.contentType + "; charset=iso-8859-1"}, 415, "must be UTF-8",
			},
			"compressed": {op.body, []string{"Content-Encoding", "gzip"}, 415, "compressed"},
			"a form": {
				"a=b", []string{"Content-Type", "application/x-www-form-urlencoded"}, 415, "content type",
			},
			"a list":              {`[]`, nil, 422, "object"},
			"a number":            {`7`, nil, 422, "object"},
			"with unknown fields": {strings.Replace(op.body, "{", `{"unheard":"of",`, 1), nil, 422, "body.unheard"},
			"too large":           {strings.Repeat(" ", 5<<20), nil, 413, "too large"},
		} {
			a := w.callOperation(op, token, c.body, c.header...)
			a.problem(c.status)
			if !strings.Contains(a.text, c.want) {
				t.Errorf("%s, a body that is %s: %s does not contain %q", op.OperationID, name, a.text, c.want)
			}
			if strings.Contains(a.text, "of,") || strings.Contains(a.text, `"value"`) {
				t.Errorf("%s repeats a value that was sent: %s", op.OperationID, a.text)
			}
		}
		a := w.callOperation(op, token, op.body, "Content-Type", op.contentType+"; charset=UTF-8", "If-Match", "")
		if a.Code/100 != 2 && a.Code != http.StatusConflict {
			t.Errorf("%s refuses its own example: %d %s", op.OperationID, a.Code, a.text)
		}
	}
}

// get-mailbox ignores unknown parameters.
func TestUnknownParametersAreRefused(t *testing.T) {
	w, j := invited(t)
	token := w.addClient("all", storetest.Domain, workflow.Scopes...)
	for _, op := range operations(t, j) {
		if op.OperationID == "get-mailbox" {
			continue
		}
		op.path += "?unheard=of"
		a := w.callOperation(op, token, op.body)
		if a.problem(422); !strings.Contains(a.text, "query.unheard") {
			t.Errorf("%s: %s", op.OperationID, a.text)
		}
	}
}

// parameter reports whether an operation has a parameter.
func (o documented) parameter(name string) bool {
	for _, p := range o.Parameters {
		if p.Name == name {
			return true
		}
	}
	return false
}

// Every operation with an Idempotency-Key refuses a key whose call is not finished,
// and a key that was used for another request.
func TestEveryOperationChecksItsKey(t *testing.T) {
	w, j := invited(t)
	token := w.addClient("all", storetest.Domain, workflow.Scopes...)
	for err, status := range map[error]int{workflow.ErrCallPending: 409, workflow.ErrCallDiffers: 422} {
		w.handler = handler(usedKeys{w.Store, err}, w.Clock.Now, w.log)
		for _, op := range operations(t, j) {
			if op.parameter("Idempotency-Key") {
				w.callOperation(op, token, op.body, "Idempotency-Key", "k").problem(status)
			}
		}
	}
}

// usedKeys is a store in which every key was used.
type usedKeys struct {
	backend
	err error
}

func (u usedKeys) ClaimCall(context.Context, workflow.Call) ([]byte, error) { return nil, u.err }

func TestEveryOperationChecksIfMatch(t *testing.T) {
	w, j := invited(t)
	token := w.addClient("all", storetest.Domain, workflow.Scopes...)
	for _, op := range operations(t, j) {
		if op.parameter("If-Match") {
			w.callOperation(op, token, op.body, "If-Match", `"no such version"`).problem(412)
		}
	}
}
