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

// TestMain also looks, when all tests were run, whether they met every answer that
// the document tells of, and the document tells of every answer that they met.
func TestMain(m *testing.M) {
	code := storetest.Run(m)
	if code == 0 && flag.Lookup("test.run").Value.String() == "" && flag.Lookup("test.skip").Value.String() == "" {
		missed, untold := met.compare()
		for _, a := range missed {
			fmt.Fprintln(os.Stderr, "no test met", a)
		}
		for _, a := range untold {
			fmt.Fprintln(os.Stderr, "the document does not tell of", a)
		}
		code = min(1, len(missed)+len(untold))
	}
	os.Exit(code)
}

// met are the answers that were met.
var met = &answers{met: map[answered]bool{}}

type answers struct {
	sync.Mutex
	met map[answered]bool
}

// answered is an answer of an operation, as the document has it.
type answered struct{ route, status string }

func (a *answers) note(route string, status int) {
	a.Lock()
	defer a.Unlock()
	a.met[answered{route, strconv.Itoa(status)}] = true
}

// everywhere are answers that come of no operation in particular.
var everywhere = []string{"429", "500", "503"}

// compare lists the answers that the document tells of and no test met, and those
// that were met of its operations and it does not tell of.
func (a *answers) compare() (missed, untold []string) {
	text, err := os.ReadFile("openapi.json") // it is the one that is served
	var doc openAPI
	if err != nil || json.Unmarshal(text, &doc) != nil {
		return []string{"a document"}, nil
	}
	for path, methods := range doc.Paths {
		for method, op := range methods {
			route := strings.ToUpper(method) + " " + path
			for status := range op.Responses {
				if !a.met[answered{route, status}] && !slices.Contains(everywhere, status) {
					missed = append(missed, route+" "+status)
				}
			}
			for m := range a.met {
				if _, told := op.Responses[m.status]; m.route == route && !told {
					untold = append(untold, route+" "+m.status)
				}
			}
		}
	}
	slices.Sort(missed)
	slices.Sort(untold)
	return missed, untold
}
