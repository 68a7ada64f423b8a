package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"stella/cmd/stella/config"
	"stella/store"
	"stella/workflow"
	"stella/workflow/contact"
)

type clientCommands struct {
	Add     clientAddCommand     `cmd:"" help:"Register a client, such as a webmail, and print its token. The token is printed only once."`
	List    clientListCommand    `cmd:"" help:"List the clients of the API."`
	Rotate  clientRotateCommand  `cmd:"" help:"Give a client a new token. The previous token stays valid for a while."`
	Disable clientDisableCommand `cmd:"" help:"Refuse all requests of a client from now on."`
	Enable  clientEnableCommand  `cmd:"" help:"Accept the requests of a disabled client again, with the tokens it had."`
}

const clientAddHelp = `The scopes say what a client may do:

  webmail    ask whether to show the banner or the star, hand users over
  registry   create, change and delete mailboxes and their holders
  operator   decide reviews, revoke, withdraw invitations
  auditor    read everything that an operator can read

A client sees only the mailboxes of its own domains.`

type clientAddCommand struct {
	config.Database
	Name      string   `arg:"" help:"The client's name, as it appears in the log."`
	Domain    []string `required:"" placeholder:"DOMAIN" help:"A domain of its mailboxes, such as pec.example; may be repeated. The client sees no other domains."`
	Scope     []string `default:"webmail" placeholder:"SCOPE" enum:"webmail,registry,operator,auditor" help:"What it may do (${enum}); may be repeated (default: ${default})."`
	ReturnURL []string `name:"return-url" placeholder:"URL" help:"URL to which a webmail's users may return; may be repeated. Required for a webmail. Compared as exact text."`
}

func (clientAddCommand) Help() string { return clientAddHelp }

func (c clientAddCommand) Run(ctx context.Context, db *config.OpenDatabase) error {
	if err := c.check(); err != nil {
		return err
	}
	token := rand.Text()
	client := workflow.Client{Name: c.Name, Domains: c.Domain, ReturnURLs: c.ReturnURL}
	for _, s := range c.Scope {
		client.Scopes = append(client.Scopes, workflow.Scope(s))
	}
	if err := db.AddClient(ctx, client, workflow.Digest(token), time.Now()); err != nil {
		return err
	}
	fmt.Printf("Token of %s; it is not shown again:\n%s\n", c.Name, token)
	return nil
}

// check returns everything that is wrong with the flags. It normalizes the domains
// to lower case and ASCII, as mailboxes are stored.
func (c clientAddCommand) check() error {
	var wrong []error
	if strings.TrimSpace(c.Name) == "" {
		wrong = append(wrong, errors.New("the client has no name"))
	}
	for i, d := range c.Domain {
		address, err := contact.ParseAddress("x@" + strings.TrimPrefix(d, "@"))
		if err != nil {
			wrong = append(wrong, fmt.Errorf("--domain %q is not a domain, such as pec.example", d))
		}
		_, c.Domain[i], _ = strings.Cut(address, "@") // lower case, ASCII
	}
	for _, u := range c.ReturnURL {
		if parsed, err := url.Parse(u); err != nil || parsed.Host == "" || parsed.Scheme != "https" && parsed.Scheme != "http" {
			wrong = append(wrong, fmt.Errorf("--return-url %q is not a URL, such as https://webmail.example/", u))
		}
	}
	if webmail := slices.Contains(c.Scope, "webmail"); webmail != (len(c.ReturnURL) > 0) {
		if webmail {
			wrong = append(wrong, errors.New("a webmail needs a --return-url, to which its users return"))
		} else {
			wrong = append(wrong, errors.New("only a webmail has a --return-url: add --scope webmail, or leave it out"))
		}
	}
	return errors.Join(wrong...)
}

type clientListCommand struct {
	config.Database
}

func (c clientListCommand) Run(ctx context.Context, db *config.OpenDatabase) error {
	all, err := db.Clients(ctx)
	if err != nil {
		return err
	}
	t := newTable(os.Stdout)
	t.row("CLIENT", "SCOPES", "DOMAINS", "SINCE", "TOKENS")
	for _, l := range all {
		t.row(l.Name, joinNames(l.Scopes), strings.Join(l.Domains, ","), formatTime(l.CreatedAt), tokens(l))
	}
	return t.flush()
}

// tokens describes which tokens of a client are valid.
func tokens(l store.ListedClient) string {
	switch {
	case !l.DisabledAt.IsZero():
		return "disabled since " + formatTime(l.DisabledAt)
	case l.FormerUntil.After(time.Now()):
		return "two, the previous one until " + formatTime(l.FormerUntil)
	}
	return "one"
}

type clientRotateCommand struct {
	config.Database
	Name    string        `arg:"" help:"The client."`
	Overlap time.Duration `default:"24h" placeholder:"TIME" help:"How long the previous token stays valid; 0 if it was stolen (default: ${default})."`
}

func (c clientRotateCommand) Run(ctx context.Context, db *config.OpenDatabase) error {
	if c.Overlap < 0 {
		return errors.New("--overlap is negative")
	}
	token, until := rand.Text(), time.Now().Add(c.Overlap)
	if err := db.RotateToken(ctx, c.Name, workflow.Digest(token), until); err != nil {
		return describeClientError(c.Name, err)
	}
	fmt.Printf("New token of %s; it is not shown again:\n%s\n", c.Name, token)
	if c.Overlap > 0 {
		fmt.Printf("The previous token is valid until %s.\n", formatTime(until))
	}
	return nil
}

type clientDisableCommand struct {
	config.Database
	Name string `arg:"" help:"The client."`
}

func (c clientDisableCommand) Run(ctx context.Context, db *config.OpenDatabase) error {
	if err := db.DisableClient(ctx, c.Name, time.Now()); err != nil {
		return describeClientError(c.Name, err)
	}
	fmt.Printf("%s: disabled\n", c.Name)
	return nil
}

type clientEnableCommand struct {
	config.Database
	Name string `arg:"" help:"The client."`
}

func (c clientEnableCommand) Run(ctx context.Context, db *config.OpenDatabase) error {
	if err := db.EnableClient(ctx, c.Name); err != nil {
		return describeClientError(c.Name, err)
	}
	fmt.Printf("%s: enabled\n", c.Name)
	return nil
}

// describeClientError names the client in the error if it does not exist.
func describeClientError(name string, err error) error {
	if errors.Is(err, workflow.ErrUnknown) {
		return fmt.Errorf("there is no client %q: see \"stella client list\"", name)
	}
	return err
}
