package spid

import (
	"fmt"
	"regexp"
	"strconv"
	"time"

	"github.com/beevik/etree"
)

// An Anomaly is an error that the identity provider reports: the login failed
// (SPID technical rules, "Messaggi di errore"). nr19 means too many wrong
// credentials, nr20 no credentials of the requested level, nr21 timeout, nr22
// consent refused, nr23 identity suspended or revoked, nr25 cancelled by the
// user, nr30 another type of identity. nr08 to nr18 are errors in our request.
type Anomaly struct {
	// Code has the form nr25. It is empty if the provider gives none.
	Code string
	// Signed reports whether the response was signed. SPID does not require a
	// signature here, so anyone who knows the request can make a login fail
	// with an unsigned response.
	Signed bool
	// CertificateExpired is the time at which the certificate that signed the
	// response expired, as in [Assertion].
	CertificateExpired time.Time
}

func (a *Anomaly) Error() string {
	if a.Code == "" {
		return "spid: the identity provider reports a failure without a code"
	}
	return fmt.Sprintf("spid: the identity provider reports anomaly %s", a.Code)
}

// errorCode matches the code in a StatusMessage. The rules prescribe "ErrorCode
// nr25"; some providers send "nr25", "Errorcode nr 25" or longer texts.
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
