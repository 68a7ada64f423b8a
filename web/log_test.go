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

// logbook is a log that can be read back.
type logbook struct {
	storetest.Log
	// What goes wrong on our side is logged as an error; a test that provokes
	// one says so.
	errorsExpected bool
}

// checkLog reads the log of every test: whatever people did in it, it holds
// nothing personal and no secret.
func (w *world) checkLog() {
	log := w.log.String()
	if !w.log.errorsExpected && strings.Contains(log, "level=ERROR") {
		w.Errorf("something went wrong on our side: %s", log)
	}
	private := slices.Clone(w.secrets)
	for _, p := range spidtest.DemoPeople() {
		private = append(private, p.Name, p.FamilyName, strings.TrimPrefix(p.FiscalNumber, "TINIT-"))
	}
	for _, h := range []holder{anna, sara, bianchi, cooperativa} {
		private = append(private, h.record.FiscalCode, h.record.Name)
	}
	rows, err := w.store.Pool().Query(context.Background(), `select 'code', nonce from codes union all select 'invitation', nonce from invitations`)
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
	for _, s := range private { // codes and ids are digits and letters too
		if strings.Contains(log, s) && regexp.MustCompile(`(^|[^0-9A-Za-z])`+regexp.QuoteMeta(s)+`($|[^0-9A-Za-z])`).MatchString(log) {
			w.Errorf("the log holds %q: %s", s, log)
		}
	}
	for _, s := range []string{"@", "SAMLResponse", "cellulare", "<saml"} {
		if strings.Contains(log, s) {
			w.Errorf("the log holds %q: %s", s, log)
		}
	}
}
