package mail_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/riverqueue/river"

	"stella/mail"
	"stella/store"
	"stella/store/storetest"
	"stella/workflow"
)

// A process of its own sends mails, so that it can be killed: the test's
// program, run again with this variable.
const processVariable = "STELLA_TEST_SENDER"

// process is what the other process is told.
type process struct {
	Database string
	Relay    int // port
	Root     []byte
}

// hasty is a sender whose crash is seen after two seconds instead of 20.
type hasty struct{ *mail.Sender }

func (hasty) Timeout(*river.Job[workflow.SendMail]) time.Duration { return hastyTimeout }

const hastyTimeout = 2 * time.Second

// sendsNow is what the other process says when its queue works.
const sendsNow = "sender process: working"

func sendUntilKilled(asked string) int {
	err := func() error {
		var p process
		if err := json.Unmarshal([]byte(asked), &p); err != nil {
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
		options := mail.RelayOptions{Host: "127.0.0.1", Port: p.Relay, TLS: &tls.Config{RootCAs: roots}}
		sender, err := makeSender(db, time.Now, mail.NewRelay(options.WithTimeout(hastyTimeout)), os.Stderr)
		if err != nil {
			return err
		}
		queue, err := newQueue(db, hasty{sender}, queues, os.Stderr)
		if err != nil {
			return err
		}
		if err := queue.Start(context.Background()); err != nil {
			return err
		}
		fmt.Fprintln(os.Stderr, sendsNow)
		select {}
	}()
	fmt.Fprintln(os.Stderr, "sender process:", err)
	return 1
}

// spawn starts a process that sends the world's mails, and returns how to kill it.
func (p *post) spawn() (kill func()) {
	p.t.Helper()
	asked, err := json.Marshal(process{Database: p.Pool().Config().ConnString(), Relay: p.relay.addr.Port, Root: p.relay.cert.Raw})
	storetest.Must(p.t, err)
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), processVariable+"="+string(asked))
	cmd.Stderr = p.log
	storetest.Must(p.t, cmd.Start())
	done := false
	kill = func() {
		if !done {
			done = true
			cmd.Process.Kill() // SIGKILL: nothing is tidied up
			cmd.Wait()
		}
	}
	p.t.Cleanup(kill)
	return kill
}

// forgetLeader has the next process look for crashed jobs at once. A leader's
// lease is 15 seconds, and tests are in a hurry.
func (p *post) forgetLeader() {
	p.t.Helper()
	_, err := p.Pool().Exec(p.t.Context(), `delete from river_leader`)
	storetest.Must(p.t, err)
}

func TestAKilledSenderLosesNothing(t *testing.T) {
	long(t)
	p := newPost(t).inRealTime()
	const mails = 60
	release := make(chan struct{})
	p.relay.faults(func(verb string, n int) error {
		if verb == "end of data" && n > mails/2 { // the others are sent after the crash
			<-release
		}
		return nil
	})
	senders := queues[workflow.QueueMails].MaxWorkers
	p.ask(p.Reach(t, workflow.CodeEntry), mails-1) // and the code
	kill := p.spawn()
	storetest.Eventually(t, "mails are being sent", func() bool { return len(p.relay.received()) >= mails/4 })
	kill()
	close(release)
	before := len(p.relay.received())
	time.Sleep(hastyTimeout)
	p.forgetLeader()
	p.spawn()
	storetest.Eventually(t, "all mails are sent", p.allEnded)

	arrived := p.arrivals()
	twice := len(p.relay.received()) - len(arrived)
	if len(arrived) != mails || twice > senders {
		t.Errorf("%d of %d mails arrived, %d of them twice; a log: %s", len(arrived), mails, twice, p.log)
	}
	for id, n := range arrived {
		if n > 2 {
			t.Errorf("%s arrived %d times after one crash", id, n)
		}
	}
	for _, m := range p.mails() {
		if m.accepted == nil {
			t.Errorf("the row says %+v", m)
		}
	}
	t.Logf("killed after %d of %d: %d lost, %d twice", before, mails, mails-len(arrived), twice)
}

func TestTwoInstancesShareTheMails(t *testing.T) {
	long(t)
	p := newPost(t).inRealTime()
	p.relay.faults(slow(20 * time.Millisecond))
	const mails = 300
	p.spawn()
	p.spawn()
	storetest.Eventually(t, "both work", func() bool { return strings.Count(p.log.String(), sendsNow) == 2 })
	j := p.Reach(t, workflow.CodeEntry)
	p.ask(j, mails-1)
	storetest.Eventually(t, "all mails are sent", p.allEnded)
	arrived := p.arrivals()
	if len(arrived) != mails || len(p.relay.received()) != mails {
		t.Errorf("%d mails arrived, %d of them different; want %d", len(p.relay.received()), len(arrived), mails)
	}
	var instances int
	storetest.Must(t, p.Pool().QueryRow(t.Context(), `select count(distinct attempted_by[1]) from river_job`).Scan(&instances))
	if instances != 2 {
		t.Errorf("%d instances sent them; the test says nothing", instances)
	}
}
