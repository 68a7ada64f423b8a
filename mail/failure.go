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

// A Failure is an attempt to send a mail that the relay did not accept. The
// consequence depends on the stage at which the attempt failed:
//
//	before RCPT    the mail is retried, whatever the reply is (421, 530, 535,
//	               554): the relay refuses this client, not this mail
//	RCPT and DATA  5xx refuses the mail if it is about the recipient;
//	               otherwise the mail is retried
//	the final dot  5xx as above, 4xx is retried; if there is no reply, or one
//	               that is neither, it is unknown if the relay accepted the mail
//
// A mail is also retried after a 5xx about our host or our sender: the operator
// corrects the cause, and then the mail is sent.
type Failure struct {
	stage stage
	err   error // a *textproto.Error if the relay replied
}

// stage is the part of an attempt that failed.
type stage string

const (
	writing    stage = "writing"    // composing the message
	connecting stage = "connecting" // including STARTTLS and AUTH
	sender     stage = "MAIL"
	recipient  stage = "RCPT"
	data       stage = "DATA"
	content    stage = "message"
	finalDot   stage = "final dot"
)

// String returns the stage and the relay's reply or the error. It is stored with
// the mail.
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

// Code returns the relay's reply code, or 0 if there was no reply.
func (f *Failure) Code() int {
	if reply := f.reply(); reply != nil {
		return reply.Code
	}
	return 0
}

// Refused reports whether the relay refused the recipient permanently. If the
// reply has an enhanced status code, that code decides.
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
	case 500, 502, 503, 504, 530, 534, 535, 538: // syntax and authentication: about us
		return false
	}
	return f.Code()/100 == 5
}

// enhancedCode matches the enhanced status code at the beginning of a reply.
var enhancedCode = regexp.MustCompile(`^5\.[0-9]{1,3}\.[0-9]{1,3}\b`)

// enhanced returns the enhanced status code of a 5xx reply, for example "5.1.1"
// (RFC 2034, section 4). It returns "" if there is none.
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

// Unknown reports whether the relay may have accepted the mail: it was sent
// completely, but the reply to the final dot is missing or invalid.
func (f *Failure) Unknown() bool {
	return f.stage == finalDot && f.Code()/100 != 4 && f.Code()/100 != 5
}

// lasting reports whether an operator must correct the cause of the failure: for
// example a wrong certificate, no TLS, a wrong password, or a host or sender that
// the relay does not accept. Use it only if the recipient was not refused.
func (f *Failure) lasting() bool {
	var certificate *tls.CertificateVerificationError
	return f.Code()/100 == 5 || errors.As(f.err, &certificate) || errors.Is(f.err, errNoTLS) || errors.Is(f.err, errNoAuth)
}

// answered reports whether the relay replied with an error. If so, the
// connection can still be used.
func (f *Failure) answered() bool { return f.Code() >= 400 }

// maxReply is the length to which a stored reply is cut: a reply line has at
// most 512 octets (RFC 5321, section 4.5.3.1.5).
const maxReply = 512

// printable returns a reply in valid UTF-8, without control characters and at
// most maxReply bytes long. A relay can send any bytes.
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
