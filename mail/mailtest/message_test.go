package mailtest

import (
	"strings"
	"testing"
)

func TestReadMessage(t *testing.T) {
	for _, test := range []struct{ name, mail, subject, text string }{
		{"quoted-printable", "Subject: =?utf-8?q?identit=C3=A0?=\r\nContent-Type: text/plain; charset=utf-8\r\n" +
			"Content-Transfer-Encoding: quoted-printable\r\n\r\nperch=C3=A9 =\r\nno\r\n", "identità", "perché no\n"},
		{"base64", "Subject: =?utf-8?b?Y2l0dMOg?=\r\nContent-Type: text/plain; charset=utf-8\r\n" +
			"Content-Transfer-Encoding: base64\r\n\r\ncGVyY2jD\r\nqQ0KCg==\r\n", "città", "perché\n\n"},
		{"no type", "Subject: a\r\n\r\nb\r\n", "a", "b\n"},
		{"nested", "Subject: a\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n" +
			"--x\r\nContent-Type: multipart/alternative; boundary=y\r\n\r\n" +
			"--y\r\nContent-Type: text/plain\r\n\r\ninner\r\n--y\r\nContent-Type: text/html\r\n\r\n<p>inner\r\n--y--\r\n--x--\r\n",
			"a", "inner"},
		{"not a mail", "what?", "(illeggibile: ", "what?"},
	} {
		m := ReadMessage([]byte(test.mail))
		if !strings.HasPrefix(m.Subject, test.subject) || m.Text != test.text {
			t.Errorf("%s: subject %q, text %q", test.name, m.Subject, m.Text)
		}
	}
}
