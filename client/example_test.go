package client_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"stella/client"
)

// At each login of a user, a webmail requests what to show. The timeout is short, so
// that the inbox does not wait for Stella.
func ExampleClient_Status() {
	stella := &client.Client{URL: "https://identita.gestore.example", Token: "the token of `stella client add`"}
	var previous *client.Mailbox // the result at the previous login; nil at the first one
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	mailbox, err := stella.Status(ctx, "anna.neri@pec.example", previous)
	if err != nil {
		return // show neither the banner nor the star
	}
	switch mailbox.Show {
	case client.ShowStar:
		fmt.Println("Casella qualificata e identificata")
	case client.ShowBanner:
		fmt.Println("Conferma identità")
	}
}

// A webmail redirects a click on Conferma identità to Stella.
func ExampleClient_HandOff() {
	stella := &client.Client{URL: "https://identita.gestore.example", Token: "the token of `stella client add`"}
	http.HandleFunc("POST /conferma", func(w http.ResponseWriter, r *http.Request) {
		start, err := stella.HandOff(r.Context(), client.HandOff{
			Mailbox:   "anna.neri@pec.example",
			ReturnURL: "https://webmail.example/",
		})
		var problem *client.Problem
		switch {
		case errors.As(err, &problem) && problem.Status == http.StatusConflict:
			http.Error(w, "Questa casella non può essere qualificata.", http.StatusConflict)
		case err != nil:
			http.Error(w, "Il servizio non risponde: riprova tra poco.", http.StatusBadGateway)
		default:
			http.Redirect(w, r, start.StartURL, http.StatusTemporaryRedirect)
		}
	})
}
