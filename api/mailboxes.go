package api

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"stella/workflow"
)

// Mailbox is what a webmail may know of a mailbox.
type Mailbox struct {
	Address string     `json:"address"`
	State   string     `json:"state" enum:"none,in_progress,invited,under_review,rejected,qualified,revoked,not_eligible" doc:"where the qualification of the mailbox stands"`
	Since   *time.Time `json:"since" doc:"when its last step was made, which for qualified is when the star was given; null for none and not_eligible"`
	Level   string     `json:"level" doc:"the level of assurance of the identification, such as SpidL2; empty until qualified"`
	Show    string     `json:"show" enum:"banner,star,none" doc:"what to show beside the mailbox's name"`
}

type mailboxInput struct {
	Authorization string `header:"Authorization" hidden:"true"`
	IfNoneMatch   string `header:"If-None-Match"`
	Address       string `path:"address" maxLength:"254" example:"anna.neri@pec.example"`
}

type mailboxOutput struct {
	ETag         string `header:"ETag"`
	CacheControl string `header:"Cache-Control"`
	Body         Mailbox
}

func (s *Server) mailboxOperation() huma.Operation {
	return huma.Operation{OperationID: "get-mailbox", Method: http.MethodGet, Path: "/api/v1/mailboxes/{address}",
		Summary:     "Ask whether to show the banner or the star",
		Description: "Meant to be asked at every login of the webmail, with If-None-Match. A mailbox outside the client's domains is not found.",
		Middlewares: huma.Middlewares{s.needToken},
		Errors:      []int{http.StatusNotModified, http.StatusUnauthorized, http.StatusNotFound, http.StatusTooManyRequests}}
}

func (s *Server) mailbox(ctx context.Context, in *mailboxInput) (*mailboxOutput, error) {
	_, standing, err := s.Procedure.Standing(ctx, bearer(in.Authorization), in.Address)
	if err != nil {
		return nil, s.fault(ctx, err)
	}
	m := describe(strings.ToLower(strings.TrimSpace(in.Address)), standing)
	etag, err := etag(m)
	if err != nil {
		return nil, s.fault(ctx, err)
	}
	if known(in.IfNoneMatch, etag) {
		return nil, huma.ErrorWithHeaders(huma.Status304NotModified(), http.Header{"ETag": {etag}})
	}
	return &mailboxOutput{ETag: etag, CacheControl: "private, no-cache", Body: m}, nil
}

// describe tells a webmail what it needs, and no more. The star is shown only
// while the mailbox is active.
func describe(address string, s *workflow.Standing) Mailbox {
	m := Mailbox{Address: address, State: "none", Show: "banner"}
	if s.Status != workflow.Active {
		m.State, m.Show = "not_eligible", "none"
		return m
	}
	switch s.State {
	case "", workflow.Expired:
		return m
	case workflow.Invited:
		m.State = "invited"
	case workflow.UnderReview: // nothing to do for the user
		m.State, m.Show = "under_review", "none"
	case workflow.Rejected:
		m.State = "rejected"
	case workflow.Revoked:
		m.State = "revoked"
	case workflow.Qualified:
		m.State, m.Level = "qualified", s.Level
		if s.Starred {
			m.Show = "star"
		}
	default:
		m.State = "in_progress"
	}
	since := s.Since.UTC().Truncate(time.Second)
	m.Since = &since
	return m
}

// known reports whether an If-None-Match names the tag, which proxies that
// compress may have weakened.
func known(header, etag string) bool {
	for tag := range strings.SplitSeq(header, ",") {
		if tag = strings.TrimSpace(tag); tag == "*" || strings.TrimPrefix(tag, "W/") == etag {
			return true
		}
	}
	return false
}

func etag(m Mailbox) (string, error) {
	text, err := json.Marshal(m)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(text)
	return `"` + hex.EncodeToString(sum[:8]) + `"`, nil
}
