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
)

// walked is one operation of the document, ready to be called for the mailbox
// of a journey. Its body is the document's own example.
type walked struct {
	documented
	method, path string
	body         string
	contentType  string
}

// walk is every operation that the document tells of.
func walk(t *testing.T, j *storetest.Journey) []walked {
	t.Helper()
	q := j.Case().Qualification
	fill := strings.NewReplacer("{address}", j.Address, "{number}", fmt.Sprint(q.Number), "{id}", q.Invitation.ID.String())
	var all []walked
	for path, methods := range readOpenAPI(t).Paths {
		for method, op := range methods {
			w := walked{documented: op, method: strings.ToUpper(method), path: fill.Replace(path)}
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

// scopes are those that the description tells.
func (o documented) scopes() []workflow.Scope {
	_, told, _ := strings.Cut(o.Description, "Scopes: ")
	var scopes []workflow.Scope
	for _, m := range scopesIn.FindAllStringSubmatch(told, -1) {
		scopes = append(scopes, workflow.Scope(m[1]))
	}
	return scopes
}

func (w *world) walk(op walked, token, body string, header ...string) answer {
	w.t.Helper()
	return call(w.t, w.handler, op.method, op.path, body, append([]string{"Content-Type", op.contentType, "Authorization", "Bearer " + token}, header...)...)
}

// invited is a world with Anna's mailbox, to whose holder an invitation is out.
func invited(t *testing.T) (*world, *storetest.Journey) {
	t.Helper()
	w := newWorld(t)
	return w, w.RecordAs(t, anna, storetest.AnnasRecord).To(workflow.Invited)
}

// Whatever is sent, a call without a good token is turned away before it is
// looked at.
func TestEveryOperationNeedsAGoodToken(t *testing.T) {
	w, j := invited(t)
	disabled := w.addClient("disabled", storetest.Domain, workflow.Scopes...)
	storetest.Must(t, w.DisableClient(t.Context(), "disabled", w.Clock.Now()))
	rotated := w.addClient("rotated", storetest.Domain, workflow.Scopes...)
	storetest.Must(t, w.RotateToken(t.Context(), "rotated", workflow.Digest("new"), w.Clock.Now()))
	for _, op := range walk(t, j) {
		for _, body := range []string{op.body, `{`, "\xff", `[]`, `{"unheard":"of"}`, strings.Repeat(" ", 5<<20)} {
			for _, token := range []string{"", "guess", disabled, rotated} {
				a := w.walk(op, token, body)
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
	for _, op := range walk(t, j) {
		allowed := op.scopes()
		if len(allowed) == 0 {
			t.Errorf("%s tells no scopes", op.OperationID)
		}
		for s, token := range tokens {
			if slices.Contains(allowed, s) {
				continue // what it gets is told below, and by the tests of the operation
			}
			if told := w.walk(op, token, op.body).problem(403); told != op.example(403) {
				t.Errorf("%s: %q, and its example says %q", op.OperationID, told, op.example(403))
			}
			if op.body != "" {
				w.walk(op, token, `{`).problem(403)
			}
		}
	}
}

// knownForeign are operations that say of a mailbox of others what they would
// say of none, and not that it is unknown.
var knownForeign = []string{"list-statuses", "list-mailboxes", "put-mailboxes", "list-qualifications", "list-invitations", "list-events"}

// example is the detail of the documented example of a problem.
func (o documented) example(status int) any {
	p, _ := o.Responses[fmt.Sprint(status)].Content["application/problem+json"].Example.(map[string]any)
	return p["detail"]
}

// Of a mailbox outside its domains a client with every scope learns nothing, and
// changes nothing.
func TestNoOperationIsForMailboxesOfOthers(t *testing.T) {
	w, j := invited(t)
	stranger := w.addClient("stranger", "altrove.example", workflow.Scopes...)
	before := j.Case()
	for _, op := range walk(t, j) {
		a := w.walk(op, stranger, op.body)
		if slices.Contains(knownForeign, op.OperationID) {
			if a.Code != 200 {
				t.Errorf("%s: %d %s", op.OperationID, a.Code, a.text)
			}
		} else if told := a.problem(404); told != op.example(404) {
			t.Errorf("%s: %q, and its example says %q", op.OperationID, told, op.example(404))
		}
		for _, secret := range []string{storetest.Anna, "Anna Neri", "anna.neri@mail.example", "holder@mail.example"} {
			if strings.Contains(a.text, secret) {
				t.Errorf("%s tells %s: %s", op.OperationID, secret, a.text)
			}
		}
	}
	after := j.Case()
	if after.Qualification.Version != before.Qualification.Version || after.Mailbox.Record.ID != before.Mailbox.Record.ID {
		t.Errorf("something was changed: %+v", after)
	}
}

// The examples of the document can be sent as they are, and what is no such
// body is refused.
func TestBodies(t *testing.T) {
	w, j := invited(t)
	token := w.addClient("all", storetest.Domain, workflow.Scopes...)
	ops := walk(t, j)
	for _, op := range ops {
		if op.body == "" {
			if a := w.walk(op, token, "", "If-Match", `"none"`); op.method == "GET" && a.Code != 200 {
				t.Errorf("%s: %d %s", op.OperationID, a.Code, a.text)
			}
			continue
		}
		for name, c := range map[string]struct {
			body   string
			header []string
			status int
			tells  string
		}{
			"none":                {"", nil, 400, "body is required"},
			"malformed":           {`{"`, nil, 400, "JSON"},
			"a name twice":        {`{"records":[{"fiscal_code":"a","fiscal\u005fcode":"b"}]}`, nil, 400, "one name twice"},
			"not UTF-8":           {"{\"mailbox\":\"\xe8\"}", nil, 400, "not UTF-8"},
			"of another encoding": {op.body, []string{"Content-Type", op.contentType + "; charset=iso-8859-1"}, 415, "must be UTF-8"},
			"compressed":          {op.body, []string{"Content-Encoding", "gzip"}, 415, "compressed"},
			"a form":              {"a=b", []string{"Content-Type", "application/x-www-form-urlencoded"}, 415, "content type"},
			"a list":              {`[]`, nil, 422, "object"},
			"a number":            {`7`, nil, 422, "object"},
			"an unknown field":    {strings.Replace(op.body, "{", `{"unheard":"of",`, 1), nil, 422, "body.unheard"},
			"too large":           {strings.Repeat(" ", 5<<20), nil, 413, "too large"},
		} {
			a := w.walk(op, token, c.body, c.header...)
			a.problem(c.status)
			if !strings.Contains(a.text, c.tells) {
				t.Errorf("%s, a body that is %s: %s does not tell %q", op.OperationID, name, a.text, c.tells)
			}
			if strings.Contains(a.text, "of,") || strings.Contains(a.text, `"value"`) {
				t.Errorf("%s repeats what was sent: %s", op.OperationID, a.text)
			}
		}
		if a := w.walk(op, token, op.body, "Content-Type", op.contentType+"; charset=UTF-8", "If-Match", ""); a.Code/100 != 2 && a.Code != http.StatusConflict {
			t.Errorf("%s does not take its own example: %d %s", op.OperationID, a.Code, a.text)
		}
	}
}

// The status is lenient there, and looks at the token first.
func TestUnknownParametersAreRefused(t *testing.T) {
	w, j := invited(t)
	token := w.addClient("all", storetest.Domain, workflow.Scopes...)
	for _, op := range walk(t, j) {
		if op.OperationID == "get-mailbox" {
			continue
		}
		op.path += "?unheard=of"
		a := w.walk(op, token, op.body)
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

// A call with a key that is being done, or with one that was another call's, is
// told so by every operation that takes keys.
func TestEveryKeyIsLookedAt(t *testing.T) {
	w, j := invited(t)
	token := w.addClient("all", storetest.Domain, workflow.Scopes...)
	for err, status := range map[error]int{workflow.ErrCallPending: 409, workflow.ErrCallDiffers: 422} {
		w.handler = handler(&workflow.Procedure{Store: claimed{w.Store, err}, Keys: storetest.Keys, Now: w.Clock.Now}, w.log)
		for _, op := range walk(t, j) {
			if op.parameter("Idempotency-Key") {
				w.walk(op, token, op.body, "Idempotency-Key", "k").problem(status)
			}
		}
	}
}

// claimed is a store where every key was used.
type claimed struct {
	workflow.Store
	err error
}

func (c claimed) ClaimCall(context.Context, workflow.Call) ([]byte, error) { return nil, c.err }

func TestEveryConditionIsLookedAt(t *testing.T) {
	w, j := invited(t)
	token := w.addClient("all", storetest.Domain, workflow.Scopes...)
	for _, op := range walk(t, j) {
		if op.parameter("If-Match") {
			w.walk(op, token, op.body, "If-Match", `"no such version"`).problem(412)
		}
	}
}
