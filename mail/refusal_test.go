package mail_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/emersion/go-smtp"

	"stella/mail"
	"stella/store/storetest"
	"stella/workflow/qualification"
)

// refusals are replies of relays, with the outcome for the mail: it is refused if
// the reply is about its recipient, and deferred if the reply is about us.
var refusals = []struct {
	verb string
	code int
	more smtp.EnhancedCode
	text string
	want string
}{
	// The recipient's address (RFC 3463, section 3.2) or mailbox (3.3).
	{"rcpt", 550, smtp.EnhancedCode{5, 1, 1}, "User unknown", "refused"},
	{"rcpt", 501, smtp.EnhancedCode{5, 1, 3}, "Bad recipient address syntax", "refused"},
	{"rcpt", 556, smtp.EnhancedCode{5, 1, 10}, "Recipient address has null MX", "refused"},
	{"rcpt", 550, smtp.EnhancedCode{5, 2, 1}, "The account is disabled", "refused"},
	{"end of data", 552, smtp.EnhancedCode{5, 2, 2}, "Mailbox full", "refused"},
	{"data", 550, smtp.EnhancedCode{5, 1, 1}, "User unknown", "refused"},

	// Our sender, although the codes begin with 5.1.
	{"rcpt", 550, smtp.EnhancedCode{5, 1, 7}, "Bad sender's address", "deferred"},
	{"rcpt", 550, smtp.EnhancedCode{5, 1, 8}, "Sender address rejected: Domain not found", "deferred"},

	// The name in EHLO, which Postfix refuses at RCPT.
	{"rcpt", 504, smtp.EnhancedCode{5, 5, 2}, "<9f1c2a7b3d4e>: Helo command rejected: need fully-qualified hostname", "deferred"},
	{"rcpt", 501, smtp.EnhancedCode{5, 5, 2}, "<stella_web_1>: Helo command rejected: Invalid name", "deferred"},
	{"ehlo", 501, smtp.EnhancedCode{5, 5, 2}, "Invalid name", "deferred"},

	// Our host, our authentication, our quota.
	{"rcpt", 554, smtp.EnhancedCode{5, 7, 1}, "Relay access denied", "deferred"},
	{"rcpt", 554, smtp.EnhancedCode{5, 7, 1}, "Client host [10.0.0.1] blocked using zen.example", "deferred"},
	{"end of data", 550, smtp.EnhancedCode{5, 7, 26}, "DMARC policy", "deferred"},
	{"end of data", 550, smtp.EnhancedCode{5, 7, 60}, "Client does not have permissions to send as this sender", "deferred"},
	{"end of data", 550, smtp.EnhancedCode{5, 4, 5}, "Daily sending quota exceeded", "deferred"},

	// Without an enhanced code, the reply code decides.
	{"rcpt", 500, smtp.NoEnhancedCode, "No", "deferred"},
	{"rcpt", 502, smtp.NoEnhancedCode, "No", "deferred"},
	{"rcpt", 503, smtp.NoEnhancedCode, "No", "deferred"},
	{"rcpt", 504, smtp.NoEnhancedCode, "No", "deferred"},
	{"rcpt", 530, smtp.NoEnhancedCode, "No", "deferred"},
	{"rcpt", 535, smtp.NoEnhancedCode, "No", "deferred"},
	{"rcpt", 501, smtp.NoEnhancedCode, "No", "refused"},
	{"rcpt", 550, smtp.NoEnhancedCode, "No", "refused"},
	{"rcpt", 552, smtp.NoEnhancedCode, "No", "refused"},
	{"rcpt", 553, smtp.NoEnhancedCode, "No", "refused"},
	{"rcpt", 554, smtp.NoEnhancedCode, "No", "refused"},
	{"rcpt", 556, smtp.NoEnhancedCode, "No", "refused"},
}

func TestARefusalIsAboutTheRecipientOrAboutUs(t *testing.T) {
	p := newPipeline(t)
	j := p.RecordInState(t, qualification.CodeEntry)
	for _, test := range refusals {
		p.relay.dropIdle() // so that EHLO is sent again
		p.relay.faults(at(test.verb, 1, &smtp.SMTPError{Code: test.code, EnhancedCode: test.more, Message: test.text}))
		id := p.requestMails(j, 1)[0]
		err := p.work(id)
		if got := p.row(id).outcome(err); got != test.want {
			t.Errorf("after %d %v %s the mail is %s, want %s", test.code, test.more, test.text, got, test.want)
		}
		if test.want == "deferred" {
			storetest.Must(t, p.work(id)) // after the operator has corrected the cause
		}
	}
}

// A refusal that is about us is logged as an error, with its code. The reply is
// not logged, because it may contain the recipient's address.
func TestARefusalThatIsAboutUsIsLoggedAsAnError(t *testing.T) {
	p := newPipeline(t)
	_, m, _ := p.codeMail()
	p.relay.faults(at("rcpt", 99, &smtp.SMTPError{
		Code: 554, EnhancedCode: smtp.EnhancedCode{5, 7, 1}, Message: "<anna.neri@mail.example>: Relay access denied",
	}))
	if p.row(m.id).outcome(p.work(m.id)) != "deferred" {
		t.Error("the mail is not deferred")
	}
	log := p.log.String()
	for _, want := range []string{"level=ERROR", "the cause is not its recipient", "code=554", "enhanced=5.7.1", "stage=RCPT"} {
		if !strings.Contains(log, want) {
			t.Errorf("the log does not contain %q: %s", want, log)
		}
	}
	if strings.Contains(log, "anna.neri") {
		t.Errorf("the log contains the address: %s", log)
	}
}

func TestEHLOContainsTheConfiguredName(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{"identita.gestore.example": "identita.gestore.example", "": "[127.0.0.1]"} {
		r := startRelay(t)
		o := r.options()
		o.Name = name
		message := []byte("Subject: x\r\n\r\nx\r\n")
		if _, f := newRelay(t, o).Send(t.Context(), "staff@posta.example", "anna@mail.example", message); f != nil {
			t.Fatal(f)
		}
		r.mu.Lock()
		if got := slices.Compact(r.names); !slices.Equal(got, []string{want}) {
			t.Errorf("with the name %q, EHLO contains %q, want %q", name, got, want)
		}
		r.mu.Unlock()
	}
}

func TestAddressLiteral(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"10.1.2.3:25":          "[10.1.2.3]",
		"[::ffff:10.1.2.3]:25": "[10.1.2.3]",
		"[2001:db8::1]:25":     "[IPv6:2001:db8::1]",
		"[fe80::1%eth0]:25":    "[IPv6:fe80::1]",
	} {
		if got := mail.AddressLiteral(address); got != want {
			t.Errorf("the address literal of %s is %s, want %s", address, got, want)
		}
	}
}
