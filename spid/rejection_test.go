package spid_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/beevik/etree"

	"stella/spid"
)

// Rejections are logged, so they contain nothing that the sender wrote, neither
// values nor names, and are short.
func TestRejectionsOmitInput(t *testing.T) {
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
	wantNothingSent := func(o *observer, what, answer string) {
		o.Helper()
		_, err := o.verify(answer)
		var rejection *spid.Rejection
		if errors.As(err, &rejection) && (strings.Contains(err.Error(), secret) || len(err.Error()) > 200) {
			o.Errorf("%s: got %v, want no input in it", what, err)
		}
	}
	for kind, edit := range edits {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			o := newObserver(t)
			genuine := issued()(o)
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
				wantNothingSent(o, place, serialized(root))
				root = tree(genuine)
				remove(signature)(root)
				do(root)
				wantNothingSent(o, place+", the response not signed", serialized(root))
				if answer, err := idp.Answer(o.req, anna, before(do)); err == nil { // a prefix may make it impossible to sign
					wantNothingSent(o, place+", before signing", answer)
				}
			}
		})
	}
	o := newObserver(t)
	xml := unpack(issued()(o))
	for _, broken := range []string{
		"<" + secret,
		"<!DOCTYPE " + secret + ">",
		"<?" + secret + "?>",
		"&" + secret + ";",
		"</" + secret + ">",
		"<a:b:" + secret + "/>",
		secret,
	} {
		wantNothingSent(o, broken, pack(strings.Replace(xml, "<saml:Subject>", broken, 1)))
		wantNothingSent(o, broken, pack(xml+broken))
		wantNothingSent(o, broken, broken)
	}
}
