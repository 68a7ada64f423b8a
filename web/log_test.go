package web

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"stella/otp"
	"stella/spid/spidtest"
	"stella/store/storetest"
	"stella/workflow"
)

// testLog stores the log of a test.
type testLog struct {
	storetest.Log
	errorsExpected bool // the test causes entries with level ERROR
}

// checkLog checks at the end of every test that the log contains no personal data,
// no secrets and no unexpected errors.
func (w *world) checkLog() {
	log := w.log.String()
	if !w.log.errorsExpected && strings.Contains(log, "level=ERROR") {
		w.Errorf("the log has an error: %s", log)
	}
	private := slices.Clone(w.secrets)
	for _, p := range spidtest.DemoPeople() {
		private = append(private, p.Name, p.FamilyName, strings.TrimPrefix(p.FiscalNumber, "TINIT-"))
	}
	for _, h := range []holder{anna, sara, bianchi, cooperativa} {
		private = append(private, h.record.FiscalCode, h.record.Name)
	}
	rows, err := w.store.Pool().Query(context.Background(),
		`select 'code', nonce from codes union all select 'invitation', nonce from invitations`)
	w.must(err)
	defer rows.Close()
	for rows.Next() {
		var kind string
		var nonce []byte
		w.must(rows.Scan(&kind, &nonce))
		if kind == "code" {
			private = append(private, otp.Key(w.procedure.Keys[0]).Code(nonce))
		} else {
			private = append(private, workflow.InvitationSecret(w.procedure.Keys, nonce))
		}
	}
	w.must(rows.Err())
	for _, s := range private { // a longer ID may contain a code, so match whole words
		if strings.Contains(log, s) && regexp.MustCompile(`(^|[^0-9A-Za-z])`+regexp.QuoteMeta(s)+`($|[^0-9A-Za-z])`).MatchString(log) {
			w.Errorf("the log contains %q: %s", s, log)
		}
	}
	for _, s := range []string{"@", "SAMLResponse", "cellulare", "<saml"} {
		if strings.Contains(log, s) {
			w.Errorf("the log contains %q: %s", s, log)
		}
	}
}
