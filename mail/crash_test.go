package mail_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"stella/mail"
	"stella/store"
	"stella/store/storetest"
	"stella/workflow/qualification"
)

// The sender runs in a separate process, so that it can be killed: the test
// binary, started again with this variable.
const processVariable = "STELLA_TEST_SENDER"

// process is the configuration of the sender process.
type process struct {
	Database string
	Relay    int    // port
	Name     string // in EHLO
	Root     []byte
}

// shortLease is the duration of the claims of a sender process, instead of 20 seconds.
const shortLease = 2 * time.Second

// workingMessage is what the sender process prints when its queue is started.
const workingMessage = "sender process: working"

// runSenderProcess sends mails until the process is killed. The argument is a
// process in JSON.
func runSenderProcess(config string) int {
	err := func() error {
		var p process
		if err := json.Unmarshal([]byte(config), &p); err != nil {
			return err
		}
		db, err := store.Open(context.Background(), p.Database, nil)
		if err != nil {
			return err
		}
		root, err := x509.ParseCertificate(p.Root)
		if err != nil {
			return err
		}
		roots := x509.NewCertPool()
		roots.AddCert(root)
		options := mail.RelayOptions{Host: "127.0.0.1", Port: p.Relay, Name: p.Name, TLS: &tls.Config{RootCAs: roots}}
		sender, err := makeSender(db, time.Now, mail.NewRelay(options.WithTimeout(shortLease)), os.Stderr)
		if err != nil {
			return err
		}
		newQueues(sender).WithLease(shortLease).Start()
		fmt.Fprintln(os.Stderr, workingMessage)
		select {}
	}()
	fmt.Fprintln(os.Stderr, "sender process:", err)
	return 1
}

// spawn starts a sender process and returns a function that kills it.
func (p *pipeline) spawn() (kill func()) {
	p.t.Helper()
	config, err := json.Marshal(process{Database: p.Pool().Config().ConnString(), Relay: p.relay.addr.Port,
		Name: uuid.NewString() + ".example", Root: p.relay.cert.Raw})
	storetest.Must(p.t, err)
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), processVariable+"="+string(config))
	cmd.Stderr = p.log
	storetest.Must(p.t, cmd.Start())
	done := false
	kill = func() {
		if !done {
			done = true
			cmd.Process.Kill() // SIGKILL: no cleanup
			cmd.Wait()
		}
	}
	p.t.Cleanup(kill)
	return kill
}

func TestAKilledSenderLosesNothing(t *testing.T) {
	long(t)
	p := newPipeline(t).inRealTime()
	const mails = 60
	release := make(chan struct{})
	p.relay.faults(func(verb string, n int) error {
		if verb == "end of data" && n > mails/2 { // the others are sent after the crash
			<-release
		}
		return nil
	})
	p.requestMails(p.RecordInState(t, qualification.CodeEntry), mails-1) // plus the code
	kill := p.spawn()
	storetest.Eventually(t, "mails are being sent", func() bool { return len(p.relay.received()) >= mails/4 })
	kill()
	close(release)
	before := len(p.relay.received())
	p.spawn()
	storetest.Eventually(t, "all mails are sent", p.allEnded)

	arrived := p.arrivals()
	twice := len(p.relay.received()) - len(arrived)
	if len(arrived) != mails || twice > mail.MailSenders {
		t.Errorf("%d of %d mails arrived, %d of them twice; the log: %s", len(arrived), mails, twice, p.log)
	}
	for id, n := range arrived {
		if n > 2 {
			t.Errorf("%s arrived %d times after one crash", id, n)
		}
	}
	for _, m := range p.mails() {
		if m.accepted == nil {
			t.Errorf("the row is %+v", m)
		}
	}
	t.Logf("killed after %d of %d: %d lost, %d twice", before, mails, mails-len(arrived), twice)
}

func TestTwoInstancesShareTheMails(t *testing.T) {
	long(t)
	p := newPipeline(t).inRealTime()
	p.relay.faults(slow(20 * time.Millisecond))
	const mails = 300
	p.spawn()
	p.spawn()
	storetest.Eventually(t, "both processes are working", func() bool { return strings.Count(p.log.String(), workingMessage) == 2 })
	j := p.RecordInState(t, qualification.CodeEntry)
	p.requestMails(j, mails-1)
	storetest.Eventually(t, "all mails are sent", p.allEnded)
	arrived := p.arrivals()
	if len(arrived) != mails || len(p.relay.received()) != mails {
		t.Errorf("%d mails arrived, %d of them distinct; want %d", len(p.relay.received()), len(arrived), mails)
	}
	p.relay.mu.Lock()
	defer p.relay.mu.Unlock()
	slices.Sort(p.relay.names)
	if instances := len(slices.Compact(p.relay.names)); instances != 2 {
		t.Errorf("%d instances sent the mails, want 2: the test proves nothing", instances)
	}
}
