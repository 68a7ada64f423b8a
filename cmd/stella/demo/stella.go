package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"time"

	"stella/client"
)

var httpClient = &http.Client{Timeout: 15 * time.Second}

func (w *Webmail) stella() *client.Client {
	return &client.Client{URL: w.Stella, Token: w.Token, HTTP: httpClient}
}

// mailbox requests the status of a mailbox. It returns the answer also as JSON, which
// the page shows.
func (w *Webmail) mailbox(ctx context.Context, address string) (*client.Mailbox, string, error) {
	m, err := w.stella().Status(ctx, address, nil)
	if err != nil {
		return nil, "", err
	}
	var raw bytes.Buffer
	text, err := json.Marshal(m)
	if err == nil {
		err = json.Indent(&raw, text, "", "  ")
	}
	return m, raw.String(), err
}
