package mail

import (
	"crypto"
	"crypto/rsa"
	"fmt"
	"time"

	gomail "github.com/wneessen/go-mail"
)

// DKIM signs mails for the domain of their sender (RFC 6376). It is for
// providers whose relay does not sign. The public key is published in the DNS,
// at SELECTOR._domainkey.DOMAIN.
type DKIM struct {
	selector string
	key      crypto.Signer
}

// NewDKIM returns a signer with a private key in PEM, RSA or Ed25519. It returns
// an error for an RSA key of less than 1024 bits: verifiers do not accept such
// signatures (RFC 8301, section 3.2).
func NewDKIM(selector string, pem []byte) (*DKIM, error) {
	key, err := gomail.PrivKeyFromPEM(pem)
	if err != nil {
		return nil, fmt.Errorf("reading the DKIM key: %w", err)
	}
	if k, ok := key.(*rsa.PrivateKey); ok && k.N.BitLen() < 1024 {
		return nil, fmt.Errorf("the DKIM key has %d bits, and 1024 are needed", k.N.BitLen())
	}
	return &DKIM{selector, key}, nil
}

// sign makes the message carry a signature when it is written. The time of the
// signature is the date of the mail, so that a repeated mail is identical.
func (d *DKIM) sign(m *gomail.Msg, domain string, at time.Time) {
	signer := gomail.NewDKIMSigner(domain, d.selector, d.key) // one per mail: it is not safe for concurrent use
	signer.NowFunc = func() time.Time { return at }
	signer.SignHeaders("From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type", "Auto-Submitted")
	m.SetDKIM(signer)
}
