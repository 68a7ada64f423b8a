package client

import (
	"context"
	"net/http"
)

// HandOff is the request to hand over a webmail's user to Stella.
type HandOff struct {
	Mailbox   string `json:"mailbox" maxLength:"254" doc:"the mailbox whose user clicked" example:"anna.neri@pec.example"`
	ReturnURL string `json:"return_url" maxLength:"2048" doc:"the URL to which the user returns; exactly one of the client's return URLs" example:"https://webmail.example/"`
	Locale    string `json:"locale,omitempty" maxLength:"35" pattern:"^[A-Za-z0-9-]*$" doc:"the language of the webmail's pages" example:"it"`
	User      string `json:"user,omitempty" maxLength:"200" pattern:"^[^\\x00-\\x1f\\x7f]*$" doc:"the webmail's opaque reference to its user, for the log; it must not be personal data" example:"user-7"`
}

// Start is the URL at which a user who is handed over starts.
type Start struct {
	StartURL  string `json:"start_url" format:"uri" doc:"valid once. Answer the user's click with a 307 redirect to this URL; the form that the click submits must have no fields" example:"https://identita.gestore.example/start/ON4S6ZLYMFWXA3DFORXW4ZLT"`
	ExpiresIn int    `json:"expires_in" doc:"for how many seconds the URL is valid" example:"60"`
}

// HandOff returns the URL that brings a webmail's user to Stella. The button
// Conferma identità submits a form without fields: answer it with a 307 redirect
// to this URL. If the mailbox is not active, the call fails with status 409.
func (c *Client) HandOff(ctx context.Context, h HandOff) (*Start, error) {
	return call[Start](ctx, c, newRequest(http.MethodPost, "/handoffs", h))
}
