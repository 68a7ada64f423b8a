package mail

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net/textproto"
	"regexp"
	"strings"
	"unicode"
)

// A Failure is an attempt to send a mail that did not end with the relay's
// yes. What follows from it depends on how far the attempt had come:
//
//	before RCPT    nothing is wrong with this mail, whatever the relay says
//	               (421, 530, 535, 554): it is us whom it does not want
//	RCPT and DATA  5xx is the relay's final no if it is about the recipient;
//	               anything else may pass
//	the final dot  5xx as above, 4xx may pass; no answer, or one that says
//	               neither, leaves open whether the relay took the mail
//
// A 5xx that is about us, our host or our sender, is put off: the operator
// corrects the cause, and the mail is sent then.
type Failure struct {
	stage stage
	err   error // a *textproto.Error where the relay answered
}

// stage is how far an attempt had come.
type stage string

const (
	writing    stage = "writing"
	connecting stage = "connecting" // with STARTTLS and AUTH
	sender     stage = "MAIL"
	recipient  stage = "RCPT"
	data       stage = "DATA"
	content    stage = "message"
	finalDot   stage = "final dot"
)

// String is what is kept with the mail: the stage, and the relay's reply.
func (f *Failure) String() string {
	if reply := f.reply(); reply != nil {
		return printable(fmt.Sprintf("%s: %d %s", f.stage, reply.Code, reply.Msg))
	}
	return printable(fmt.Sprintf("%s: %v", f.stage, f.err))
}

func (f *Failure) reply() (reply *textproto.Error) {
	errors.As(f.err, &reply)
	return reply
}

// Code is the relay's, or 0 where it gave none.
func (f *Failure) Code() int {
	if reply := f.reply(); reply != nil {
		return reply.Code
	}
	return 0
}

// Refused reports whether the relay's final no is about the recipient. If the
// reply has an enhanced status code, that decides.
func (f *Failure) Refused() bool {
	switch f.stage {
	case recipient, data, finalDot:
	default:
		return false
	}
	if errors.Is(f.err, errNotASCII) {
		return true
	}
	if code := f.enhanced(); code != "" {
		return aboutRecipient(code)
	}
	switch f.Code() {
	case 500, 502, 503, 504, 530, 534, 535, 538: // it does not understand us, or does not know us
		return false
	}
	return f.Code()/100 == 5
}

// enhancedCode is the enhanced status code at the beginning of a reply.
var enhancedCode = regexp.MustCompile(`^5\.[0-9]{1,3}\.[0-9]{1,3}\b`)

// enhanced returns the enhanced status code of a 5xx, such as "5.1.1"; empty if
// there is none (RFC 2034, section 4).
func (f *Failure) enhanced() string {
	if f.Code()/100 != 5 {
		return ""
	}
	return enhancedCode.FindString(f.reply().Msg)
}

// aboutRecipient reports whether an enhanced status code is about the
// recipient's address or mailbox. 5.1.7 and 5.1.8 are about the sender's
// address (RFC 3463, sections 3.2 and 3.3).
func aboutRecipient(code string) bool {
	switch code {
	case "5.1.7", "5.1.8":
		return false
	}
	return strings.HasPrefix(code, "5.1.") || strings.HasPrefix(code, "5.2.")
}

// Unknown tells a mail that was handed over whole, and that the relay may have
// taken.
func (f *Failure) Unknown() bool {
	return f.stage == finalDot && f.Code()/100 != 4 && f.Code()/100 != 5
}

// lasting reports whether a failure that is not the recipient's stays until an
// operator corrects its cause: a certificate that is not the relay's, no TLS, a
// wrong password, a host or a sender that the relay does not accept.
func (f *Failure) lasting() bool {
	var certificate *tls.CertificateVerificationError
	return f.Code()/100 == 5 || errors.As(f.err, &certificate) || errors.Is(f.err, errNoTLS) || errors.Is(f.err, errNoAuth)
}

// answered tells whether the relay said no, and not nothing: the connection may
// carry another mail.
func (f *Failure) answered() bool { return f.Code() >= 400 }

// maxReply bounds what is kept of a reply: RFC 5321, section 4.5.3.1.5, grants
// one line 512 octets.
const maxReply = 512

// printable is a reply as a database can keep it and a person can read it. A
// relay may say anything.
func printable(reply string) string {
	reply = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, reply)
	if len(reply) > maxReply {
		reply = strings.ToValidUTF8(reply[:maxReply], "")
	}
	return reply
}
