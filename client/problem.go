package client

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Problem is how the API says that a call failed (RFC 9457): nothing was done.
// Every method returns one, for errors.As to find, where Stella answered and
// did not do what it was asked.
type Problem struct {
	Type   string  `json:"type" doc:"of what kind it is; about:blank, for what the status tells" example:"about:blank"`
	Title  string  `json:"title" doc:"the status in words" example:"Unprocessable Entity"`
	Status int     `json:"status" doc:"the HTTP status" example:"422"`
	Detail string  `json:"detail" doc:"what is wrong, in a sentence" example:"validation failed"`
	Errors []Fault `json:"errors,omitempty" nullable:"false" doc:"what is wrong, where it is more than one thing or in one place of the request"`

	// RetryAfter is how long to wait before the call is made again; zero where
	// that was not said.
	RetryAfter time.Duration `json:"-"`
}

// Fault is what is wrong in one place of a request.
type Fault struct {
	Location string `json:"location,omitempty" doc:"where, such as body.fiscal_code or body.records[3].email" example:"body.fiscal_code"`
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

// problemOf reads an answer that is not a good one. Of what is no problem
// document, such as the page of a proxy, the status must do.
func problemOf(res *http.Response, text []byte) *Problem {
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
