package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"stella/workflow"
)

type clientCommands struct {
	Add clientAddCommand `cmd:"" help:"Register a webmail and print its token, once."`
}

type clientAddCommand struct {
	database
	Name      string   `arg:"" help:"A name for the webmail, as the log will tell it."`
	Domain    []string `required:"" placeholder:"DOMAIN" help:"A domain of its mailboxes, such as pec.example; may be repeated. It can ask for no others."`
	ReturnURL []string `required:"" name:"return-url" placeholder:"URL" help:"Where its users may return to; may be repeated. Compared to the letter."`
}

func (c clientAddCommand) Run(ctx context.Context) error {
	var wrong []error
	for i, d := range c.Domain {
		address, err := workflow.ParseAddress("x@" + strings.TrimPrefix(d, "@"))
		if err != nil {
			wrong = append(wrong, fmt.Errorf("--domain %q is no domain, such as pec.example", d))
		}
		_, c.Domain[i], _ = strings.Cut(address, "@") // as mailboxes are kept: lower case, ASCII
	}
	for _, u := range c.ReturnURL {
		if parsed, err := url.Parse(u); err != nil || parsed.Host == "" || parsed.Scheme != "https" && parsed.Scheme != "http" {
			wrong = append(wrong, fmt.Errorf("--return-url %q is no URL, such as https://webmail.example/", u))
		}
	}
	if err := errors.Join(wrong...); err != nil {
		return err
	}
	db, err := c.use(ctx)
	if err != nil {
		return err
	}
	defer db.close()
	token := rand.Text()
	client := workflow.Client{Name: c.Name, Domains: c.Domain, ReturnURLs: c.ReturnURL}
	if err := db.AddClient(ctx, client, workflow.Digest(token), time.Now()); err != nil {
		return err
	}
	fmt.Printf("Token of %s; it is not shown again:\n%s\n", c.Name, token)
	return nil
}
