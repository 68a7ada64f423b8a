package mail

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	gomail "github.com/wneessen/go-mail"

	"stella/templates"
	"stella/workflow"
	"stella/workflow/contact"
)

// errKeyRemoved is returned for a mail whose code or link was made with a key
// that has been removed from the configuration.
var errKeyRemoved = errors.New("the key that made its code or link is no longer configured")

// compose returns the message of a mail. The same row always gives the same text
// and the same Message-ID, whenever it is sent.
func (s *Sender) compose(m workflow.PendingMail) ([]byte, error) {
	data, err := s.templateData(m)
	if err != nil {
		return nil, err
	}
	text, err := s.Templates.Mail(string(m.Kind), data)
	if err != nil {
		return nil, err
	}
	options := []gomail.MsgOption{gomail.WithNoDefaultUserAgent()}
	if text.Attachment == nil { // with an attachment there are two levels of parts, which need different boundaries
		options = append(options, gomail.WithBoundary(m.ID.String()))
	}
	msg := gomail.NewMsg(options...)
	if err := msg.FromFormat(s.FromName, s.From); err != nil {
		return nil, fmt.Errorf("the sender: %w", err)
	}
	if err := msg.To(m.To); err != nil {
		return nil, fmt.Errorf("the recipient: %w", err)
	}
	_, domain, _ := strings.Cut(s.From, "@")
	msg.SetMessageIDWithValue(m.ID.String() + "@" + domain)
	msg.SetDateWithValue(m.RequestedAt.In(templates.Rome))
	msg.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834
	msg.SetGenHeader(gomail.HeaderContentLang, s.Templates.Locale(m.Locale))
	msg.Subject(text.Subject)
	msg.SetBodyString(gomail.TypeTextPlain, text.Text)
	msg.AddAlternativeString(gomail.TypeTextHTML, text.HTML)
	if a := text.Attachment; a != nil {
		contentType := gomail.WithFileContentType(gomail.ContentType(a.ContentType))
		err := msg.AttachReader(a.Name, bytes.NewReader(a.Content), contentType)
		if err != nil {
			return nil, fmt.Errorf("the attachment: %w", err)
		}
	}
	if s.DKIM != nil {
		s.DKIM.sign(msg, domain, m.RequestedAt)
	}
	var b bytes.Buffer
	_, err = msg.WriteTo(&b)
	return b.Bytes(), err
}

// linkPaths are the paths of the pages whose link contains the secret of a mail. The
// secret of any other kind is itself in the text.
var linkPaths = map[workflow.MailKind]string{workflow.MailInvitation: "/invito/"}

// templateData returns the data of the mail's template. It computes the code and
// the link from the keys, because the row contains neither.
func (s *Sender) templateData(m workflow.PendingMail) (templates.Mail, error) {
	w := templates.Mail{
		Locale:  m.Locale,
		Mailbox: contact.Readable(m.Mailbox), Number: m.Number, At: m.RequestedAt, Expires: m.Expires,
		Holder: m.Details.Holder, Person: m.Details.Person, Provider: m.Details.Provider, Level: m.Details.Level,
		Reason: m.Details.Reason, Remark: m.Details.Remark, NewMasked: m.Details.NewMasked, Invited: m.Details.Invited,
	}
	if n := m.Notice; n.SHA256 != "" {
		w.Notice = &templates.Document{Version: n.Version, Date: n.Date, SHA256: n.SHA256, Locale: n.Locale, Bytes: n.Body}
	}
	t := m.Kind.Type()
	if t.Secret == nil {
		return w, nil
	}
	secret := t.Secret(s.Keys, m.Nonce)
	path, isLink := linkPaths[m.Kind]
	switch {
	case secret == "":
		return w, errKeyRemoved
	case isLink:
		w.Link, w.Guide = s.PublicURL+path+secret, s.PublicURL+"/guida"
	default:
		w.Code = secret
	}
	return w, nil
}
