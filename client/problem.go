package client

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Problem is the error of a call that Stella answered but did not carry out (RFC
// 9457). Nothing was done. Every method can return a *Problem: use [errors.As] to
// get its status.
type Problem struct {
	Type   string  `json:"type" doc:"the kind of problem; about:blank means that the status describes it" example:"about:blank"`
	Title  string  `json:"title" doc:"the status in words" example:"Unprocessable Entity"`
	Status int     `json:"status" doc:"the HTTP status" example:"422"`
	Detail string  `json:"detail" doc:"what is wrong, in a sentence" example:"validation failed"`
	Errors []Fault `json:"errors,omitempty" nullable:"false" doc:"the errors, each with its place in the request if it has one"`

	// RetryAfter is how long to wait before the call is repeated; 0 if the response
	// does not say.
	RetryAfter time.Duration `json:"-"`
}

// Fault is an error in one place of a request.
type Fault struct {
	Location string `json:"location,omitempty" doc:"the place in the request, such as body.fiscal_code or body.records[3].email" example:"body.fiscal_code"`
	Message  string `json:"message" doc:"what is wrong there" example:"the check letter is wrong"`
}

func (p *Problem) Error() string {
	text := strings.Builder{}
	fmt.Fprintf(&text, "stella: %d %s", p.Status, p.Title)
	if p.Detail != "" {
		text.WriteString(": " + p.Detail)
	}
	for _, f := range p.Errors {
		text.WriteString("; ")
		if f.Location != "" {
			text.WriteString(f.Location + ": ")
		}
		text.WriteString(f.Message)
	}
	return text.String()
}

// parseProblem reads the response to a call that failed. If the body is not a
// problem document, for example the error page of a proxy, only the status is used.
func parseProblem(res *http.Response, text []byte) *Problem {
	p := &Problem{}
	if json.Unmarshal(text, p) != nil {
		*p = Problem{}
	}
	p.Status = res.StatusCode
	if p.Title == "" {
		p.Title = http.StatusText(res.StatusCode)
	}
	if seconds, err := strconv.Atoi(res.Header.Get("Retry-After")); err == nil && seconds > 0 {
		p.RetryAfter = time.Duration(seconds) * time.Second
	}
	return p
}
