package mail

import (
	"bytes"
	"fmt"
	"strings"

	gomail "github.com/wneessen/go-mail"

	"stella/templates"
	"stella/workflow"
)

// compose writes a mail. The same row makes the same mail, whenever it is sent.
func (s *Sender) compose(m workflow.PendingMail) ([]byte, error) {
	text, err := s.Templates.Mail(string(m.Kind), s.words(m))
	if err != nil {
		return nil, err
	}
	msg := gomail.NewMsg(gomail.WithNoDefaultUserAgent(), gomail.WithBoundary(m.ID.String()))
	if err := msg.FromFormat(s.FromName, s.From); err != nil {
		return nil, fmt.Errorf("the sender: %w", err)
	}
	if err := msg.To(m.To); err != nil {
		return nil, fmt.Errorf("the recipient: %w", err)
	}
	_, domain, _ := strings.Cut(s.From, "@")
	msg.SetMessageIDWithValue(m.ID.String() + "@" + domain)
	msg.SetDateWithValue(m.RequestedAt)
	msg.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834
	msg.SetGenHeader(gomail.HeaderContentLang, s.Templates.Locale(m.Locale))
	msg.Subject(text.Subject)
	msg.SetBodyString(gomail.TypeTextPlain, text.Text)
	msg.AddAlternativeString(gomail.TypeTextHTML, text.HTML)
	if s.DKIM != nil {
		s.DKIM.sign(msg, domain, m.RequestedAt)
	}
	var b bytes.Buffer
	_, err = msg.WriteTo(&b)
	return b.Bytes(), err
}

// words computes what the row does not hold, the code and the link, and names
// the rest.
func (s *Sender) words(m workflow.PendingMail) templates.Mail {
	w := templates.Mail{Locale: m.Locale, Mailbox: m.Mailbox, Number: m.Number, At: m.RequestedAt,
		Expires: m.Expires, Person: m.Details.Person, Provider: m.Details.Provider, Level: m.Details.Level,
		Contract: m.ContractVersion, Reason: string(m.Details.Reason), Remark: m.Details.Remark, NewMasked: m.Details.NewMasked}
	switch m.Kind {
	case workflow.MailCode:
		w.Code = workflow.CodeDigits(s.Key, m.Nonce)
	case workflow.MailInvitation:
		w.Link = s.PublicURL + "/invito/" + workflow.InvitationSecret(s.Key, m.Nonce)
	}
	return w
}
