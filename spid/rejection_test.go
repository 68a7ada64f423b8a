package spid_test

import (
	"errors"
	"fmt"
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
	w := observe(t)
	genuine := made()(w)
	xml := unpack(genuine)
	wantSilence := func(what, answer string) {
		t.Helper()
		_, err := w.verify(answer)
		var rejection *spid.Rejection
		if errors.As(err, &rejection) && (strings.Contains(err.Error(), secret) || len(err.Error()) > 200) {
			t.Errorf("%s: got %v, want it without what was sent", what, err)
		}
	}
	for _, place := range places {
		for kind, edit := range edits {
			do := func(root *etree.Element) {
				if place == "" {
					edit(root)
				} else if el := root.FindElement(place); el != nil {
					edit(el)
				}
			}
			what := fmt.Sprintf("%s of %q", kind, place)
			root := tree(genuine)
			do(root)
			wantSilence(what, serialized(root))
			root = tree(genuine)
			remove(signature)(root)
			do(root)
			wantSilence(what+", the response not signed", serialized(root))
			if answer, err := idp.Answer(w.req, anna, before(do)); err == nil { // it may have a prefix that cannot be signed
				wantSilence(what+", before signing", answer)
			}
		}
	}
	for _, broken := range []string{"<" + secret, "<!DOCTYPE " + secret + ">", "<?" + secret + "?>", "&" + secret + ";", "</" + secret + ">", "<a:b:" + secret + "/>", secret} {
		wantSilence(broken, pack(strings.Replace(xml, "<saml:Subject>", broken, 1)))
		wantSilence(broken, pack(xml+broken))
		wantSilence(broken, broken)
	}
}
