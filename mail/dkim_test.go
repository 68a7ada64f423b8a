package mail_test

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-msgauth/dkim"

	"stella/mail"
	"stella/store/storetest"
	"stella/workflow"
)

func TestMailsAreSigned(t *testing.T) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	storetest.Must(t, err)
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	storetest.Must(t, err)
	for name, key := range map[string]crypto.Signer{"rsa": rsaKey, "ed25519": edKey} {
		t.Run(name, func(t *testing.T) {
			p := newPipeline(t)
			der, err := x509.MarshalPKCS8PrivateKey(key)
			storetest.Must(t, err)
			p.sender.DKIM, err = mail.NewDKIM("stella", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
			storetest.Must(t, err)
			_, m, code := p.codeMail()
			// A repeated mail is identical, whenever it is sent.
			p.relay.faults(at("end of data", 1, errDrop))
			if p.work(m.id) == nil {
				t.Fatal("Work returned no error")
			}
			p.Clock.Advance(5 * time.Second)
			storetest.Must(t, p.work(m.id))
			all := p.relay.received()
			if len(all) != 2 || !bytes.Equal(all[0].body, all[1].body) {
				t.Fatalf("%d mails that differ, want two identical mails", len(all))
			}

			verify := func(body []byte) *dkim.Verification {
				lookup := func(domain string) ([]string, error) {
					if domain != "stella._domainkey.posta.example" {
						t.Errorf("the key is looked up at %s", domain)
					}
					public, err := x509.MarshalPKIXPublicKey(key.Public())
					if k, ok := key.Public().(ed25519.PublicKey); ok { // RFC 8463: the bare key
						public = k
					}
					return []string{"v=DKIM1; k=" + name + "; p=" + base64.StdEncoding.EncodeToString(public)}, err
				}
				verified, err := dkim.VerifyWithOptions(bytes.NewReader(body), &dkim.VerifyOptions{LookupTXT: lookup})
				storetest.Must(t, err)
				if len(verified) != 1 {
					t.Fatalf("there are %d signatures, want 1", len(verified))
				}
				return verified[0]
			}
			v := verify(all[0].body)
			if v.Err != nil || v.Domain != "posta.example" || !v.Time.Equal(p.mail(workflow.MailCode).started.Truncate(time.Second)) {
				t.Errorf("the signature is %+v", v)
			}
			const headers = "From To Subject Date Message-ID MIME-Version Content-Type Auto-Submitted"
			if got := strings.Join(v.HeaderKeys, " "); got != headers {
				t.Errorf("the signature covers %s, want %s", got, headers)
			}
			if !bytes.Contains(all[0].body, []byte("h="+strings.ReplaceAll(headers, " ", ":"))) {
				t.Error("a header name is folded, which not every verifier unfolds")
			}
			for _, change := range []string{code, "Subject: ", "anna.neri@mail.example"} {
				if verify(bytes.Replace(all[0].body, []byte(change), []byte(change+"x"), 1)).Err == nil {
					t.Errorf("the signature does not cover %q", change)
				}
			}
		})
	}
}

func TestAKeyThatCannotSignIsRefused(t *testing.T) {
	for name, key := range map[string]string{
		"an empty file": "",
		"a certificate": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
	} {
		if _, err := mail.NewDKIM("stella", []byte(key)); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}
