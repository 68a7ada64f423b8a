package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"time"

	"stella/client"
)

var patient = &http.Client{Timeout: 15 * time.Second}

func (w *Webmail) stella() *client.Client {
	return &client.Client{URL: w.Stella, Token: w.Token, HTTP: patient}
}

// mailbox asks what to show beside a mailbox, and returns the answer too as it
// is written in JSON, for the curious.
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
