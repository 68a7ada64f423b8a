package mail_test

import (
	"bytes"
	"strings"
	"testing"

	"stella/store/storetest"
	"stella/templates"
	"stella/workflow"
	"stella/workflow/qualification"
)

// Both success mails are receipts. The contract notice is attached as the holder
// acknowledged it.
func TestASuccessMailIsAReceipt(t *testing.T) {
	p := newPipeline(t)
	j := p.RecordInState(t, qualification.Qualified)
	var digest string
	var body []byte
	storetest.Must(t, p.Pool().QueryRow(t.Context(), `
		select d.sha256, d.body from documents d join qualifications q on q.document = d.sha256
		where q.mailbox_id = $1`, j.Mailbox).Scan(&digest, &body))
	for _, kind := range []workflow.MailKind{workflow.MailQualified, workflow.MailQualifiedPEC} {
		m := p.mail(kind)
		storetest.Must(t, p.work(m.id))
		all := p.relay.received()
		l := p.read(all[len(all)-1])
		for _, want := range []string{
			"Pratica: 1\r\n",
			p.requestedAt(m.id).In(templates.Rome).Format(", 15:04") + " (ora italiana)\r\n",
			"Metodo: SPID, livello 2",
			"Informativa contrattuale: versione 1.0 del ",
		} {
			if !strings.Contains(l.text, want) {
				t.Errorf("%s does not contain %q:\n%s", kind, want, l.text)
			}
		}
		document := []byte("<main>" + string(body) + "</main>")
		if !strings.HasSuffix(l.attachment, ".html") || !bytes.Contains(l.attached, document) || !bytes.Contains(l.attached, []byte(digest)) {
			t.Errorf("%s has the attachment %q:\n%s", kind, l.attachment, l.attached)
		}
	}
}
