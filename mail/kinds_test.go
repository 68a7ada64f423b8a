package mail_test

import (
	"testing"

	"stella/templates"
	"stella/workflow"
)

// Each kind of mail has a template, in both languages.
func TestEveryKindOfMailHasATemplate(t *testing.T) {
	t.Parallel()
	texts, err := templates.New(site)
	if err != nil {
		t.Fatal(err)
	}
	for kind := range workflow.MailTypes {
		for _, locale := range []string{"it", "en"} {
			if m, err := texts.Mail(string(kind), templates.Mail{Locale: locale}); err != nil || m.Subject == "" || m.Text == "" {
				t.Errorf("%s in %s: %v", kind, locale, err)
			}
		}
	}
}
