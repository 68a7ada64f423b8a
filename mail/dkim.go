package mail

import (
	"crypto"
	"crypto/rsa"
	"fmt"
	"time"

	gomail "github.com/wneessen/go-mail"
)

// DKIM signs mails for the domain of their sender (RFC 6376), for a provider
// whose relay does not. The public key stands in the DNS, under
// SELECTOR._domainkey.DOMAIN.
type DKIM struct {
	selector string
	key      crypto.Signer
}

// NewDKIM reads a private key: RSA or Ed25519, in PEM. Shorter RSA keys than of
// 1024 bits are believed by nobody (RFC 8301, section 3.2), and not signed with.
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

// sign has a message signed when it is written. The time of the signature is
// the mail's own, so that a repeated mail is the same.
func (d *DKIM) sign(m *gomail.Msg, domain string, at time.Time) {
	signer := gomail.NewDKIMSigner(domain, d.selector, d.key) // one for each: it is not safe for use by many
	signer.NowFunc = func() time.Time { return at }
	signer.SignHeaders("From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type", "Auto-Submitted")
	m.SetDKIM(signer)
}
