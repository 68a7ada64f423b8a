package main

import (
	"crypto/rand"
	"encoding/hex"
	"os"
	"path/filepath"
)

// webmail is the origin of the webmail, and returnURL the URL to which its users return.
const (
	webmail   = "https://webmail.example"
	returnURL = webmail + "/"
)

// environment returns Stella's configuration, as docs/configuration.md describes it. A
// version of Stella ignores the variables that it does not know.
func (w *world) environment(database, provider string) []string {
	return []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + w.dir, "USER=bench",
		"STELLA_DATABASE_URL=" + database,
		"STELLA_PUBLIC_URL=" + w.site,
		"STELLA_LISTEN=" + w.listen,
		"STELLA_PROXIES=127.0.0.0/8", // so that each holder has an address
		"STELLA_KEY_FILE=" + w.file("stella.key"),
		"STELLA_PROVIDER=Posta Esempio",
		"STELLA_SERVICE=PEC Esempio",
		"STELLA_WEBMAIL_URL=" + returnURL,
		"STELLA_PRIVACY_URL=https://posta.example/privacy",
		"STELLA_ACCESSIBILITY_URL=https://posta.example/accessibilita",
		"STELLA_HELP_URL=https://posta.example/aiuto",
		"STELLA_HELP_CONTACT=800 000 000",
		"STELLA_CONTRACT_DIR=" + w.file("contract"),
		"STELLA_MAIL_FROM=Posta Esempio <staff@posta.example>",
		"STELLA_SMTP_URL=smtp://" + w.smtp,
		"STELLA_SMTP_CA_FILE=" + w.file("relay.pem"),
		"STELLA_SPID_KEY_FILE=" + w.file("spid.key"),
		"STELLA_SPID_CERT_FILE=" + w.file("spid.pem"),
		"STELLA_SPID_PROVIDERS=" + provider,
		"STELLA_ORGANIZATION_NAME=Posta Esempio S.p.A.",
		"STELLA_ORGANIZATION_URL=https://posta.example",
		"STELLA_ORGANIZATION_EMAIL=staff@posta.example",
		"STELLA_ORGANIZATION_VAT_NUMBER=IT01234567897",
		"STELLA_BILLING_STREET=Via Esempio 1",
		"STELLA_BILLING_POSTAL_CODE=00100",
		"STELLA_BILLING_CITY=Roma",
		"STELLA_ARCHIVE_RECIPIENT=" + w.auditor,
	}
}

// notice is the contract notice, about as long as a real one.
const notice = `<!-- version: 1.0; date: 2026-11-01 -->
<h2>Che cosa chiedi</h2>
<p>Chiedi al gestore di associare la tua identità alla casella di posta elettronica certificata indicata in alto, perché la casella sia qualificata secondo gli standard europei del recapito certificato. La richiesta è gratuita e non cambia il contratto della casella.</p>
<h2>Che cosa ti impegni a fare</h2>
<ul>
<li>Dichiarare dati veri e identificarti di persona, con la tua identità digitale.</li>
<li>Custodire le credenziali della casella e non cederle ad altri.</li>
<li>Avvisare il gestore se cambiano l'intestatario, il legale rappresentante o i recapiti.</li>
</ul>
<h2>Che cosa conserva il gestore</h2>
<p>Il gestore conserva la prova dell'identificazione: chi si è identificato, come e quando, la versione di questa informativa e l'esito, per il tempo previsto dalla legge. L'indirizzo e-mail di contatto diventa la casella ordinaria associata alla PEC.</p>
<h2>Revoca</h2>
<p>Il gestore può revocare la qualifica se i dati risultano falsi, se l'intestatario cambia o se lo chiede l'intestatario.</p>
`

// writeFiles writes Stella's secret and the contract notice.
func (w *world) writeFiles() error {
	secret := make([]byte, 32)
	rand.Read(secret)
	if err := os.WriteFile(w.file("stella.key"), []byte(hex.EncodeToString(secret)), 0o600); err != nil {
		return err
	}
	if err := os.Mkdir(w.file("contract"), 0o755); err != nil {
		return err
	}
	for _, locale := range []string{"it.html", "en.html"} {
		if err := os.WriteFile(filepath.Join(w.file("contract"), locale), []byte(notice), 0o644); err != nil {
			return err
		}
	}
	return nil
}
