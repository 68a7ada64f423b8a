package client

import (
	"context"
	"net/http"
)

// HandOff is a webmail's user on the way to Stella.
type HandOff struct {
	Mailbox   string `json:"mailbox" maxLength:"254" doc:"the mailbox whose user clicked" example:"anna.neri@pec.example"`
	ReturnURL string `json:"return_url" maxLength:"2048" doc:"where the user returns to; one of the client's, to the letter" example:"https://webmail.example/"`
	Locale    string `json:"locale,omitempty" maxLength:"35" pattern:"^[A-Za-z0-9-]*$" doc:"the language of the webmail's pages" example:"it"`
	User      string `json:"user,omitempty" maxLength:"200" pattern:"^[^\\x00-\\x1f\\x7f]*$" doc:"the webmail's own opaque reference to its user, for the log; no personal data" example:"user-7"`
}

// Start is where a user that was handed over begins.
type Start struct {
	StartURL  string `json:"start_url" format:"uri" doc:"single use. Answer the user's own click with 307 to it; its form must hold nothing else" example:"https://identita.gestore.example/start/ON4S6ZLYMFWXA3DFORXW4ZLT"`
	ExpiresIn int    `json:"expires_in" doc:"for how many seconds it may be used" example:"60"`
}

// HandOff asks for the address that takes a webmail's user to Stella. Answer
// the user's click on Conferma identità, a form that holds nothing else, with
// 307 to it. The call fails with status 409 where the mailbox is not active.
func (c *Client) HandOff(ctx context.Context, h HandOff) (*Start, error) {
	return ask[Start](ctx, c, newRequest(http.MethodPost, "/handoffs", h))
}
