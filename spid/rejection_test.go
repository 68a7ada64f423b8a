package spid_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/beevik/etree"

	"stella/spid"
)

// A rejection is logged: it holds nothing that the sender wrote, neither values
// nor names, and is short.
func TestRejectionsHoldNothingSent(t *testing.T) {
	t.Parallel()
	const secret = "NRENNA80A41H501T"
	places := []string{
		"", issuer, status, statusCode, assertion, aIssuer, subject, nameID, confirmation, data, conditions, restriction,
		audience, statement, authnContext, class, attributes, fiscalValue,
		aSignature, signedInfo, method, reference, transforms, transforms + "/ds:Transform", keyInfo,
	}
	edits := map[string]func(*etree.Element){
		"text":      func(el *etree.Element) { el.SetText(secret) },
		"element":   func(el *etree.Element) { el.CreateElement("saml:" + secret) },
		"attribute": func(el *etree.Element) { el.CreateAttr(secret, secret) },
		"prefix":    func(el *etree.Element) { el.CreateAttr(secret+":a", secret) },
		"foreign":   func(el *etree.Element) { el.CreateAttr("xmlns:"+secret, secret); el.CreateAttr(secret+":a", secret) },
		"own":       func(el *etree.Element) { el.Space = secret },
		"id":        func(el *etree.Element) { el.CreateElement(secret).CreateAttr("ID", "") },
		"values": func(el *etree.Element) {
			for i := range el.Attr {
				if el.Attr[i].Space != "xmlns" {
					el.Attr[i].Value = secret
				}
			}
		},
	}
	silence := func(w *witness, what, answer string) {
		w.Helper()
		_, err := w.verify(answer)
		var rejection *spid.Rejection
		if errors.As(err, &rejection) && (strings.Contains(err.Error(), secret) || len(err.Error()) > 200) {
			w.Errorf("%s: got %v, want it without what was sent", what, err)
		}
	}
	for kind, edit := range edits {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			w := observe(t)
			genuine := made()(w)
			for _, place := range places {
				do := func(root *etree.Element) {
					if place == "" {
						edit(root)
					} else if el := root.FindElement(place); el != nil {
						edit(el)
					}
				}
				root := tree(genuine)
				do(root)
				silence(w, place, serialized(root))
				root = tree(genuine)
				remove(signature)(root)
				do(root)
				silence(w, place+", the response not signed", serialized(root))
				if answer, err := idp.Answer(w.req, anna, before(do)); err == nil { // it may have a prefix that cannot be signed
					silence(w, place+", before signing", answer)
				}
			}
		})
	}
	w := observe(t)
	xml := unpack(made()(w))
	for _, broken := range []string{"<" + secret, "<!DOCTYPE " + secret + ">", "<?" + secret + "?>", "&" + secret + ";", "</" + secret + ">", "<a:b:" + secret + "/>", secret} {
		silence(w, broken, pack(strings.Replace(xml, "<saml:Subject>", broken, 1)))
		silence(w, broken, pack(xml+broken))
		silence(w, broken, broken)
	}
}
