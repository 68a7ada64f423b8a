package api_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"stella/store/storetest"
)

// TestMain compares the responses of all tests with the OpenAPI document, if all
// tests were run: each documented response must occur, and each response that
// occurs must be documented.
func TestMain(m *testing.M) {
	code := storetest.Run(m)
	if code == 0 && flag.Lookup("test.run").Value.String() == "" && flag.Lookup("test.skip").Value.String() == "" {
		untested, undocumented := seen.compare()
		for _, a := range untested {
			fmt.Fprintln(os.Stderr, "no test has the response", a)
		}
		for _, a := range undocumented {
			fmt.Fprintln(os.Stderr, "the document does not describe", a)
		}
		code = min(1, len(untested)+len(undocumented))
	}
	os.Exit(code)
}

// seen are the responses that occurred in the tests.
var seen = &responses{seen: map[response]bool{}}

type responses struct {
	sync.Mutex
	seen map[response]bool
}

// response is the status of an operation, in the notation of the document.
type response struct{ route, status string }

func (r *responses) add(route string, status int) {
	r.Lock()
	defer r.Unlock()
	r.seen[response{route, strconv.Itoa(status)}] = true
}

// everywhere are statuses that every operation can have. They need not occur for
// each.
var everywhere = []string{"429", "500", "503"}

// compare returns the documented responses that no test has, and the responses of
// documented operations that are not documented.
func (r *responses) compare() (untested, undocumented []string) {
	text, err := os.ReadFile("openapi.json") // TestOpenAPIFileIsCurrent compares it with the served one
	var doc openAPI
	if err != nil || json.Unmarshal(text, &doc) != nil {
		return []string{"of openapi.json: it cannot be read"}, nil
	}
	for path, methods := range doc.Paths {
		for method, op := range methods {
			route := strings.ToUpper(method) + " " + path
			for status := range op.Responses {
				if !r.seen[response{route, status}] && !slices.Contains(everywhere, status) {
					untested = append(untested, route+" "+status)
				}
			}
			for s := range r.seen {
				if _, ok := op.Responses[s.status]; s.route == route && !ok {
					undocumented = append(undocumented, route+" "+s.status)
				}
			}
		}
	}
	slices.Sort(untested)
	slices.Sort(undocumented)
	return untested, undocumented
}
