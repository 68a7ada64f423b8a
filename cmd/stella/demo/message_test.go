package demo

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"stella/mail/mailtest"
)

// An attachment can be opened. An HTML attachment is not shown as the mail's HTML part.
func TestInboxKeepsAttachments(t *testing.T) {
	m := mailtest.ReadMessage([]byte("Subject: a\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n" +
		"--x\r\nContent-Type: text/plain\r\n\r\nvedi allegato\r\n" +
		"--x\r\nContent-Type: text/html; charset=utf-8\r\nContent-Disposition: attachment; filename=\"informativa-1.0.html\"\r\n" +
		"Content-Transfer-Encoding: base64\r\n\r\nPHA+cGVyY2jDqTwvcD4=\r\n--x--\r\n"))
	if m.Text != "vedi allegato" || m.HTML != "" || len(m.Files) != 1 {
		t.Fatalf("read as %+v", m)
	}
	i := new(Inbox)
	i.add(message{Message: m})
	server := httptest.NewServer(i.Handler())
	defer server.Close()
	link, ok := read(t, server.URL+"/messages/1").Find("a:contains('informativa-1.0.html')").Attr("href")
	if !ok {
		t.Fatal("the attachment is not listed")
	}
	res, err := http.Get(server.URL + link)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, _ := io.ReadAll(res.Body)
	if string(body) != "<p>perché</p>" || res.Header.Get("Content-Type") != "text/html; charset=utf-8" ||
		!strings.Contains(res.Header.Get("Content-Security-Policy"), "sandbox") {
		t.Errorf("the attachment is %s %v", body, res.Header)
	}
	if res, err := http.Get(server.URL + "/messages/1/files/none"); err != nil || res.StatusCode != http.StatusNotFound {
		t.Errorf("an attachment that does not exist: %v, %v", res.Status, err)
	}
}
