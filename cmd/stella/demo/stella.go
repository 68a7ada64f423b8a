package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// A standing is what Stella says of a mailbox.
type standing struct {
	Address string `json:"address"`
	State   string `json:"state"`
	Since   string `json:"since"`
	Level   string `json:"level"`
	Show    string `json:"show"` // banner, star or none

	raw string // as it was answered, for the curious
}

// A refusal is an answer of Stella other than the one hoped for.
type refusal struct {
	status int
	detail string
}

func (r *refusal) Error() string {
	return fmt.Sprintf("Stella ha risposto %d: %s", r.status, r.detail)
}

// A handoff names the mailbox whose user is handed over, and where they
// return to.
type handoff struct {
	Mailbox   string `json:"mailbox"`
	ReturnURL string `json:"return_url"`
	Locale    string `json:"locale"`
	User      string `json:"user"` // our own opaque reference
}

var apiClient = &http.Client{Timeout: 15 * time.Second}

// mailbox asks what to show beside a mailbox.
func (w *Webmail) mailbox(ctx context.Context, address string) (standing, error) {
	body, err := w.call(ctx, "GET", "/api/v1/mailboxes/"+url.PathEscape(address), nil, http.StatusOK)
	if err != nil {
		return standing{}, err
	}
	var s standing
	if err := json.Unmarshal(body, &s); err != nil {
		return standing{}, err
	}
	var indented bytes.Buffer
	json.Indent(&indented, bytes.TrimSpace(body), "", "  ")
	s.raw = indented.String()
	return s, nil
}

// handoff asks for the single-use address that takes the user to Stella.
func (w *Webmail) handoff(ctx context.Context, h handoff) (startURL string, err error) {
	body, err := w.call(ctx, "POST", "/api/v1/handoffs", h, http.StatusCreated)
	if err != nil {
		return "", err
	}
	var answer struct {
		StartURL string `json:"start_url"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return "", err
	}
	return answer.StartURL, nil
}

// call makes one request and returns the answer's body, or a *refusal if the
// status is not the wanted one.
func (w *Webmail) call(ctx context.Context, method, path string, body any, want int) ([]byte, error) {
	var content io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		content = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(w.Stella, "/")+path, content)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+w.Token)
	req.Header.Set("Accept", "application/json")
	if content != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := apiClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		return nil, err
	}
	if res.StatusCode != want {
		// Errors are problem documents; of anything else the status will do.
		var problem struct {
			Title  string `json:"title"`
			Detail string `json:"detail"`
		}
		json.Unmarshal(answer, &problem)
		detail := problem.Detail
		if detail == "" {
			detail = problem.Title
		}
		if detail == "" {
			detail = http.StatusText(res.StatusCode)
		}
		return nil, &refusal{res.StatusCode, detail}
	}
	return answer, nil
}
