package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"

	"stella/templates"
)

// An instance is one "stella serve" process with its links.
type instance struct {
	daemon
	toDatabase []*link // one for each PostgreSQL server
	toRelay    *link
	metrics    string // address of the metrics
}

// links returns all links of the instance.
func (i *instance) links() []*link { return append(slices.Clone(i.toDatabase), i.toRelay) }

// environment returns Stella's configuration for one process: database is the URL
// of the database, relay the address of the relay.
func (w *world) environment(database, relay string) []string {
	return []string{
		"PATH=/usr/bin:/bin", "HOME=" + w.dir, "USER=torture",
		"STELLA_DATABASE_URL=" + database,
		"STELLA_PUBLIC_URL=" + w.site,
		"STELLA_PROXIES=127.0.0.0/8",
		"STELLA_KEY_FILE=" + w.file("stella.key"),
		"STELLA_PROVIDER=Posta Esempio",
		"STELLA_SERVICE=PEC Esempio",
		"STELLA_WEBMAIL_URL=" + returnURL,
		"STELLA_PRIVACY_URL=https://posta.example/privacy",
		"STELLA_ACCESSIBILITY_URL=https://posta.example/accessibilita",
		"STELLA_HELP_URL=https://posta.example/aiuto",
		"STELLA_HELP_CONTACT=numero verde",
		"STELLA_CONTRACT_DIR=" + w.file("contract"),
		"STELLA_MAIL_FROM=Posta Esempio <staff@posta.example>",
		"STELLA_SMTP_URL=smtp://" + relay,
		"STELLA_SMTP_CA_FILE=" + w.file("relay.pem"),
		"STELLA_SPID_KEY_FILE=" + w.file("spid.key"),
		"STELLA_SPID_CERT_FILE=" + w.file("spid.pem"),
		"STELLA_SPID_PROVIDERS=" + w.file("providers.xml"),
		"STELLA_ORGANIZATION_NAME=Posta Esempio S.p.A.",
		"STELLA_ORGANIZATION_URL=https://posta.example",
		"STELLA_ORGANIZATION_EMAIL=staff@posta.example",
		"STELLA_ORGANIZATION_VAT_NUMBER=IT01234567897",
		"STELLA_BILLING_STREET=Via Esempio 1",
		"STELLA_BILLING_POSTAL_CODE=00100",
		"STELLA_BILLING_CITY=Roma",
		"STELLA_ARCHIVE_RECIPIENT=" + w.auditor,
	}
}

// openInstances creates the schema and starts the instances.
func (w *world) openInstances(ctx context.Context) (err error) {
	if w.auditor, err = makeKeys(w.dir, w.site); err != nil {
		return err
	}
	if err := os.CopyFS(w.file("contract"), templates.SampleContract()); err != nil {
		return err
	}
	if _, err := w.stella(ctx, "migrate"); err != nil {
		return err
	}
	for i, one := range w.balancer.backends {
		if err := w.openInstance(fmt.Sprintf("instance-%d", i+1), one.address); err != nil {
			return err
		}
	}
	starting, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	if err := w.awaitReady(starting); err != nil {
		return err
	}
	w.operator = &operator{world: w, orders: make(chan order, w.mailboxCount())}
	return nil
}

func (w *world) openInstance(name, address string) error {
	log, err := w.logOf(name)
	if err != nil {
		return err
	}
	i := &instance{}
	for _, server := range []*postgres{w.database, w.standby} {
		if server == nil {
			continue
		}
		k, err := w.link(name+" to PostgreSQL", server.dial)
		if err != nil {
			return err
		}
		i.toDatabase = append(i.toDatabase, k)
	}
	i.toRelay, err = w.link(name+" to the relay", func() (net.Conn, error) { return net.Dial("tcp", w.relay.address) })
	if err != nil {
		return err
	}
	if i.metrics, err = freeAddress(); err != nil {
		return err
	}
	env := append(w.environment(databaseURL(i.toDatabase), i.toRelay.address()),
		"STELLA_LISTEN="+address, "STELLA_METRICS_LISTEN="+i.metrics)
	i.daemon = daemon{name: name, address: address, log: log, check: i.healthy, command: func() *exec.Cmd {
		c := exec.Command(w.release.current(), "serve")
		c.Env = env
		return c
	}}
	w.instances = append(w.instances, i)
	w.supervise(&i.daemon)
	return nil
}

// healthy returns an error if the instance does not answer 200 to /healthz.
func (i *instance) healthy(ctx context.Context) error {
	_, err := i.get(ctx, i.address, "/healthz")
	return err
}

// get sends a request directly to the instance, not through the balancer.
func (i *instance) get(ctx context.Context, address, path string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, pageTimeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+path, nil)
	if err != nil {
		return nil, err
	}
	r.Close = true
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answers %s with %s", i.name, path, answer.Status)
	}
	return io.ReadAll(answer.Body)
}

// seedData imports the mailboxes and registers the webmail.
func (w *world) seedData(ctx context.Context) error {
	w.mailboxes = generateMailboxes(rand.New(rand.NewPCG(w.seed, 1)), w.people, w.mailboxCount())
	if err := writeMailboxes(w.file("mailboxes.csv"), w.mailboxes); err != nil {
		return err
	}
	if _, err := w.stella(ctx, "mailbox", "import", w.file("mailboxes.csv")); err != nil {
		return err
	}
	out, err := w.stella(ctx, "client", "add", "webmail", "--domain", "pec.example", "--return-url", returnURL)
	if err != nil {
		return err
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	token := lines[len(lines)-1]
	w.recorder.addSecret(token, "the webmail's token")
	w.webmail = newWebmail(w.site, token, w.recorder)
	return nil
}
