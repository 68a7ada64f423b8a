package client_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"stella/client"
)

// At each login of a user a webmail asks what to show. Its inbox does not wait
// long for the answer.
func ExampleClient_Status() {
	stella := &client.Client{URL: "https://identita.gestore.example", Token: "the token of `stella client add`"}
	var former *client.Mailbox // what was answered at the login before; nil at the first
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	mailbox, err := stella.Status(ctx, "anna.neri@pec.example", former)
	if err != nil {
		return // show neither
	}
	switch mailbox.Show {
	case client.ShowStar:
		fmt.Println("Casella qualificata e identificata")
	case client.ShowBanner:
		fmt.Println("Conferma identità")
	}
}

// A click on Conferma identità is carried over to Stella.
func ExampleClient_HandOff() {
	stella := &client.Client{URL: "https://identita.gestore.example", Token: "the token of `stella client add`"}
	http.HandleFunc("POST /conferma", func(w http.ResponseWriter, r *http.Request) {
		start, err := stella.HandOff(r.Context(), client.HandOff{Mailbox: "anna.neri@pec.example", ReturnURL: "https://webmail.example/"})
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
