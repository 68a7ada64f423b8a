package spid

import (
	"fmt"
	"regexp"
	"strconv"
	"time"

	"github.com/beevik/etree"
)

// An Anomaly is the identity provider's word that the login failed (SPID
// technical rules, "Messaggi di errore"): nr19 too many wrong credentials, nr20
// no credentials of the level asked, nr21 timeout, nr22 consent refused, nr23
// identity suspended or revoked, nr25 cancelled by the user, nr30 another type
// of identity; nr08 to nr18 are faults of our request.
type Anomaly struct {
	// Code is of the form nr25, or empty if the provider gives none.
	Code string
	// Signed says whether the response was signed. It need not be, so anyone
	// who knows the request can make an unsigned one, and make a login fail.
	Signed bool
	// CertificateExpired is when the certificate did by which the response is
	// signed, as in [Assertion].
	CertificateExpired time.Time
}

func (a *Anomaly) Error() string {
	if a.Code == "" {
		return "spid: the identity provider reports a failure without a code"
	}
	return fmt.Sprintf("spid: the identity provider reports anomaly %s", a.Code)
}

// errorCode matches a StatusMessage, which is "ErrorCode nr25" by the rules,
// and "nr25", "Errorcode nr 25" or longer with some providers.
var errorCode = regexp.MustCompile(`(?i)\bnr\s*0*(\d{1,3})\b`)

func (v verification) anomaly(status *etree.Element) *Anomaly {
	a := &Anomaly{Signed: v.signed, CertificateExpired: v.expired}
	for _, message := range children(status, "samlp:StatusMessage") {
		if m := errorCode.FindStringSubmatch(text(message)); m != nil {
			if n, err := strconv.Atoi(m[1]); err == nil {
				a.Code = fmt.Sprintf("nr%02d", n)
			}
		}
	}
	return a
}
