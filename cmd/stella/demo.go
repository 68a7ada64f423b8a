package main

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"filippo.io/age"

	"stella/cmd/stella/config"
	"stella/cmd/stella/demo"
	"stella/cmd/stella/service"
	"stella/mail"
	"stella/spid"
	"stella/spid/spidtest"
	"stella/store"
	"stella/store/localpg"
	"stella/templates"
	"stella/web"
	"stella/workflow"
	"stella/workflow/qualification"
)

type demoCommand struct {
	Port      int      `default:"8080" placeholder:"PORT" help:"First of four ports: for Stella, the webmail, the identity provider and the inbox (default: ${default})."`
	Dir       string   `env:"STELLA_DIR" type:"path" placeholder:"DIR" help:"Folder of the private PostgreSQL and other data (default: ${default_dir})."`
	Providers []string `name:"spid-providers" env:"STELLA_SPID_PROVIDERS" placeholder:"FILE" help:"Metadata files of more identity providers, such as the official test providers, each with one or more providers."`
	Fresh     bool     `help:"Start again: delete the data of an earlier demo in the folder."`
}

func (demoCommand) Help() string {
	return "All services listen only on this machine. The data stay in the folder for the next start. " +
		"Stella itself runs as with \"stella serve\": only the webmail, the identity provider and the mail relay are simulated."
}

// address returns the URL of the nth service of the demo. The identity provider has
// another host than Stella (127.0.0.1 and localhost), so that browsers treat its
// requests as cross-site, like those of real providers.
func (c demoCommand) address(host string, n int) string {
	return fmt.Sprintf("http://%s:%d", host, c.Port+n)
}

func (c demoCommand) Run(ctx context.Context) error {
	if c.Port < 1 || c.Port > 65532 {
		return fmt.Errorf("--port %d: name the first of four ports, from 1 to 65532", c.Port)
	}
	db, err := c.open(ctx)
	if err != nil {
		return err
	}
	return errors.Join(c.run(ctx, db), db.Close())
}

// open opens the demo's database. With --fresh it deletes an earlier demo's first.
func (c demoCommand) open(ctx context.Context) (*config.OpenDatabase, error) {
	db, err := config.Database{Dir: c.Dir}.OpenExclusive(ctx, nil)
	if err != nil || !c.Fresh {
		return db, err
	}
	if err := errors.Join(c.checkDemoData(ctx, db.Store), db.Close()); err != nil {
		return nil, err
	}
	if err := errors.Join(localpg.Remove(config.Database{Dir: c.Dir}.Folder()), os.RemoveAll(c.keyDir())); err != nil {
		return nil, fmt.Errorf("deleting the previous demo: %w", err)
	}
	return config.Database{Dir: c.Dir}.OpenExclusive(ctx, nil)
}

// keyDir returns the folder of the demo's keys, next to its database.
func (c demoCommand) keyDir() string {
	return filepath.Join(config.Database{Dir: c.Dir}.Folder(), "demo")
}

func (c demoCommand) run(ctx context.Context, db *config.OpenDatabase) error {
	dir := c.keyDir()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	inbox, err := demo.StartInbox()
	if err != nil {
		return err
	}
	defer inbox.Close()
	var stella *spid.ServiceProvider
	idp, err := spidtest.New(spidtest.Config{BaseURL: c.address("127.0.0.1", 2),
		ServiceProvider: func() ([]byte, error) { return stella.Metadata() }})
	if err != nil {
		return err
	}
	s, err := c.settings(dir, inbox, idp)
	if err != nil {
		return err
	}
	stella = s.SPID
	db.SetArchiveRecipient(s.Recipient)
	if err := c.seed(ctx, db.Store); err != nil {
		return err
	}
	running, err := service.New(s, db.Store, version, log)
	if err != nil {
		return err
	}
	webmail := &demo.Webmail{
		Stella:   c.address("localhost", 0),
		Token:    "demo",
		URL:      c.address("localhost", 1) + "/",
		InboxURL: c.address("localhost", 3),
		Inbox:    inbox,
		Approve:  c.approveCommand(),
	}
	stubs := []http.Handler{webmail.Handler(), idp, inbox.Handler()}
	listeners := make([]net.Listener, len(stubs)+1)
	for i := range listeners {
		if listeners[i], err = net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", c.Port+i)); err != nil {
			return fmt.Errorf("%w (choose another --port)", err)
		}
		defer listeners[i].Close()
	}
	for i, h := range stubs {
		server := service.NewServer(h, log)
		go server.Serve(listeners[i+1])
		defer server.Close()
	}
	c.printWelcome(db.Where)
	return running.Run(ctx, listeners[0])
}

// approveCommand returns the shell command that approves a case, without the mailbox
// at its end. The webmail shows it for a case under review.
func (c demoCommand) approveCommand() string {
	command := []string{shellWord(os.Args[0]), "qualification", "approve", "--reason", `"visura camerale"`}
	if c.Dir != "" {
		command = append(command, "--dir", shellWord(c.Dir))
	}
	return strings.Join(command, " ")
}

// shellWord quotes a word for a POSIX shell if necessary.
func shellWord(s string) string {
	if s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+@") == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

func (c demoCommand) printWelcome(where string) {
	fmt.Printf(`
Stella's demo is running.

  Start here: the webmail         %s
  Stella                          %s
  SPID identity provider          %s
  Inbox: every mail that is sent  %s

Enter as anna.neri@pec.example, click "Conferma identità" and follow the pages;
the code arrives in the inbox. Data: %s.
Stop with Ctrl-C; start again with --fresh.

`, c.address("localhost", 1), c.address("localhost", 0), c.address("127.0.0.1", 2), c.address("localhost", 3), where)
}

// settings returns the settings of the demo, for a fictitious PEC provider.
func (c demoCommand) settings(dir string, inbox *demo.Inbox, idp *spidtest.Provider) (*config.Settings, error) {
	public, err := url.Parse(c.address("localhost", 0))
	if err != nil {
		return nil, err
	}
	documents, err := templates.Contracts(templates.SampleContract())
	if err != nil {
		return nil, err
	}
	key, err := demoKey(filepath.Join(dir, "key"))
	if err != nil {
		return nil, err
	}
	auditor, err := demoAuditor(filepath.Join(dir, "auditor.key"))
	if err != nil {
		return nil, err
	}
	providers, err := spid.ParseProviders(idp.Metadata())
	if err != nil {
		return nil, err
	}
	var wrong config.Problems
	providers = append(providers, config.ReadProviders("STELLA_SPID_PROVIDERS", c.Providers, &wrong)...)
	if err := wrong.Join(); err != nil {
		return nil, err
	}
	sp, err := demoServiceProvider(public.String())
	if err != nil {
		return nil, err
	}
	host, port, err := net.SplitHostPort(inbox.Addr())
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(inbox.CA())
	relay := mail.RelayOptions{Host: host, TLS: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}
	if _, err := fmt.Sscan(port, &relay.Port); err != nil {
		return nil, err
	}
	webmail := c.address("localhost", 1)
	return &config.Settings{
		PublicURL: public,
		Keys:      workflow.Keys{key},
		Documents: documents,
		FromName:  "Posta Esempio",
		From:      "staff@posta.example",
		Relay:     relay,
		SPID:      sp,
		Providers: providers,
		Recipient: auditor.Recipient(),
		Collaudo:  true, // so that the official test providers can be used
		Site: templates.Site{
			SampleContract:   true,
			Provider:         "Posta Esempio",
			Service:          "PEC Esempio",
			WebmailURL:       webmail,
			PrivacyURL:       webmail + "/privacy",
			AccessibilityURL: webmail + "/accessibilita",
			HelpURL:          public.JoinPath(web.GuidePath).String(),
			HelpContact:      "assistenza@posta.example",
			MailSender:       "staff@posta.example",
		},
	}, nil
}

func demoKey(file string) ([]byte, error) {
	key, err := os.ReadFile(file)
	if !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	key = make([]byte, 32)
	rand.Read(key)
	key = []byte(hex.EncodeToString(key))
	return key, os.WriteFile(file, key, 0o600)
}

func demoAuditor(file string) (*age.X25519Identity, error) {
	key, err := readArchiveKey(file)
	if !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	return makeArchiveKey(file)
}

func demoServiceProvider(public string) (*spid.ServiceProvider, error) {
	o := spid.Organization{Name: "Posta Esempio S.p.A.", DisplayName: "Posta Esempio", URL: public, Locality: "Roma",
		VATNumber: "IT01234567897", Email: "staff@posta.example",
		Billing: spid.Billing{Street: "Via Esempio", StreetNumber: "1", PostalCode: "00100", City: "Roma"}}
	key, certificate, err := spid.SelfSigned(public, o, time.Now().Add(-time.Hour))
	if err != nil {
		return nil, err
	}
	return &spid.ServiceProvider{EntityID: public, ACSURL: public + "/spid/acs", LogoutURL: public + "/spid/logout",
		Key: key, Certificate: certificate, Organization: o}, nil
}

// demoWebmail is the name of the demo's client. Its presence marks a database as the
// demo's.
const demoWebmail = "demo-webmail"

// checkDemoData returns an error if the database contains mailboxes and no demo has
// used it: the mailboxes may be real.
func (c demoCommand) checkDemoData(ctx context.Context, db *store.Store) error {
	clients, err := db.Clients(ctx)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(clients, func(known store.ListedClient) bool { return known.Name == demoWebmail }) {
		return nil
	}
	there, err := db.Mailboxes(ctx, store.MailboxFilter{Limit: 1})
	if err == nil && len(there) > 0 {
		err = fmt.Errorf("the folder %s contains mailboxes that are not the demo's: use another --dir", config.Database{Dir: c.Dir}.Folder())
	}
	return err
}

// seed imports the sample mailboxes and registers the webmail. It can be repeated.
func (c demoCommand) seed(ctx context.Context, db *store.Store) error {
	if err := c.checkDemoData(ctx, db); err != nil {
		return err
	}
	p := &qualification.Cases{Store: db, Now: time.Now}
	if _, err := importMailboxes(ctx, p, "demo", strings.NewReader(demo.Mailboxes), io.Discard); err != nil {
		return fmt.Errorf("importing the sample mailboxes: %w", err)
	}
	client := workflow.Client{
		Name:       demoWebmail,
		Domains:    []string{"pec.example"},
		ReturnURLs: []string{c.address("localhost", 1) + "/"},
		Scopes:     []workflow.Scope{workflow.ScopeWebmail},
	}
	return db.PutClient(ctx, client, workflow.Digest("demo"), time.Now())
}
