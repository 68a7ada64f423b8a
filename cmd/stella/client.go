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

	"stella/store"
	"stella/workflow"
)

type clientCommands struct {
	Add     clientAddCommand     `cmd:"" help:"Register a program of yours, such as a webmail, and print its token, once."`
	List    clientListCommand    `cmd:"" help:"List the clients of the API."`
	Rotate  clientRotateCommand  `cmd:"" help:"Give a client a new token; the one before is good for a while."`
	Disable clientDisableCommand `cmd:"" help:"Turn a client away, from now on."`
	Enable  clientEnableCommand  `cmd:"" help:"Let a disabled client in again, with the tokens it had."`
}

const clientAddHelp = `What a client may do is told by its scopes:

  webmail    ask whether to show banner or star, hand users over
  registry   say which mailboxes there are, and whose they are
  operator   decide reviews, revoke, withdraw invitations
  auditor    read all that an operator reads

What lies outside its domains is unknown to it.`

type clientAddCommand struct {
	database
	Name      string   `arg:"" help:"A name for it, as the log will tell it."`
	Domain    []string `required:"" placeholder:"DOMAIN" help:"A domain of its mailboxes, such as pec.example; may be repeated. It can ask for no others."`
	Scope     []string `default:"webmail" placeholder:"SCOPE" enum:"webmail,registry,operator,auditor" help:"What it may do (${enum}); may be repeated (default: ${default})."`
	ReturnURL []string `name:"return-url" placeholder:"URL" help:"Where a webmail's users may return to; may be repeated, and a webmail needs one. They are compared letter by letter."`
}

func (clientAddCommand) Help() string { return clientAddHelp }

func (c clientAddCommand) Run(ctx context.Context) error {
	if err := c.check(); err != nil {
		return err
	}
	db, err := c.use(ctx)
	if err != nil {
		return err
	}
	defer db.close()
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

// check refuses what no webmail could use, and writes domains as mailboxes are
// kept.
func (c clientAddCommand) check() error {
	var wrong []error
	if strings.TrimSpace(c.Name) == "" {
		wrong = append(wrong, errors.New("the client has no name"))
	}
	for i, d := range c.Domain {
		address, err := workflow.ParseAddress("x@" + strings.TrimPrefix(d, "@"))
		if err != nil {
			wrong = append(wrong, fmt.Errorf("--domain %q is no domain, such as pec.example", d))
		}
		_, c.Domain[i], _ = strings.Cut(address, "@") // lower case, ASCII
	}
	for _, u := range c.ReturnURL {
		if parsed, err := url.Parse(u); err != nil || parsed.Host == "" || parsed.Scheme != "https" && parsed.Scheme != "http" {
			wrong = append(wrong, fmt.Errorf("--return-url %q is no URL, such as https://webmail.example/", u))
		}
	}
	if webmail := slices.Contains(c.Scope, "webmail"); webmail != (len(c.ReturnURL) > 0) {
		if webmail {
			wrong = append(wrong, errors.New("a webmail needs a --return-url, where its users go back to"))
		} else {
			wrong = append(wrong, errors.New("only a webmail has a --return-url: add --scope webmail, or leave it out"))
		}
	}
	return errors.Join(wrong...)
}

type clientListCommand struct {
	database
}

func (c clientListCommand) Run(ctx context.Context) error {
	db, err := c.use(ctx)
	if err != nil {
		return err
	}
	defer db.close()
	all, err := db.Clients(ctx)
	if err != nil {
		return err
	}
	t := newTable(os.Stdout)
	t.row("CLIENT", "SCOPES", "DOMAINS", "SINCE", "TOKENS")
	for _, l := range all {
		t.row(l.Name, joined(l.Scopes), strings.Join(l.Domains, ","), moment(l.CreatedAt), tokens(l))
	}
	return t.flush()
}

// tokens says which tokens of a client are good.
func tokens(l store.ListedClient) string {
	switch {
	case !l.DisabledAt.IsZero():
		return "disabled since " + moment(l.DisabledAt)
	case l.FormerUntil.After(time.Now()):
		return "the former one until " + moment(l.FormerUntil)
	}
	return "one"
}

type clientRotateCommand struct {
	database
	Name    string        `arg:"" help:"The client."`
	Overlap time.Duration `default:"24h" placeholder:"TIME" help:"For how long the former token is good; 0 when it was stolen (default: ${default})."`
}

func (c clientRotateCommand) Run(ctx context.Context) error {
	if c.Overlap < 0 {
		return errors.New("--overlap is negative")
	}
	db, err := c.use(ctx)
	if err != nil {
		return err
	}
	defer db.close()
	token, until := rand.Text(), time.Now().Add(c.Overlap)
	if err := db.RotateToken(ctx, c.Name, workflow.Digest(token), until); err != nil {
		return noClient(c.Name, err)
	}
	fmt.Printf("New token of %s; it is not shown again:\n%s\n", c.Name, token)
	if c.Overlap > 0 {
		fmt.Printf("The former one is good until %s.\n", moment(until))
	}
	return nil
}

type clientDisableCommand struct {
	database
	Name string `arg:"" help:"The client."`
}

func (c clientDisableCommand) Run(ctx context.Context) error {
	db, err := c.use(ctx)
	if err != nil {
		return err
	}
	defer db.close()
	if err := db.DisableClient(ctx, c.Name, time.Now()); err != nil {
		return noClient(c.Name, err)
	}
	fmt.Printf("%s: disabled\n", c.Name)
	return nil
}

type clientEnableCommand struct {
	database
	Name string `arg:"" help:"The client."`
}

func (c clientEnableCommand) Run(ctx context.Context) error {
	db, err := c.use(ctx)
	if err != nil {
		return err
	}
	defer db.close()
	if err := db.EnableClient(ctx, c.Name); err != nil {
		return noClient(c.Name, err)
	}
	fmt.Printf("%s: enabled\n", c.Name)
	return nil
}

func noClient(name string, err error) error {
	if errors.Is(err, workflow.ErrUnknown) {
		return fmt.Errorf("there is no client %q: \"stella client list\" lists those that there are", name)
	}
	return err
}
