package spid_test

import (
	"cmp"
	"encoding/base64"
	"strings"

	"stella/spid/spidtest"
)

// A forgery makes a form field that answers the observer's request.
type forgery func(*observer) string

// made is the provider's answer with edits during its creation.
func issued(edits ...spidtest.Edit) forgery {
	return func(o *observer) string { return o.answer(idp, edits...) }
}

// counterfeit is an answer signed with another key.
func counterfeit(edits ...spidtest.Edit) forgery {
	return func(o *observer) string { return o.answer(impostor, edits...) }
}

// tampered is an answer edited after it was signed.
func tampered(edits ...edit) forgery { return issued(after(edits...)) }

// assertionOnly is an answer in which only the assertion is signed, so an
// attacker can edit the response around it.
func assertionOnly(edits ...edit) forgery {
	return tampered(append([]edit{remove(signature)}, edits...)...)
}

// rewritten is an assertionOnly answer in which a part of the XML text is
// replaced.
func rewritten(old, new string) forgery {
	return func(o *observer) string {
		xml := unpack(assertionOnly()(o))
		if !strings.Contains(xml, old) {
			o.Fatalf("the answer has no %s", old)
		}
		return pack(strings.Replace(xml, old, new, 1))
	}
}

// written is an answer with both signatures and an edit of its XML text.
func written(do func(xml string) string) forgery {
	return func(o *observer) string { return pack(do(unpack(o.answer(idp)))) }
}

// posted is an answer with both signatures and an edit of the form field.
func posted(do func(field string) string) forgery {
	return func(o *observer) string { return do(o.answer(idp)) }
}

// manuallySigned is an answer whose assertion is signed by a manualSigner with
// a trusted key.
func manuallySigned(s manualSigner) forgery {
	return func(o *observer) string {
		o.trust(cmp.Or(s.key, manualKey))
		return o.answer(idp, after(remove(signature), remove(aSignature), s.addSignature))
	}
}

func pack(xml string) string { return base64.StdEncoding.EncodeToString([]byte(xml)) }

func unpack(answer string) string {
	raw, err := base64.StdEncoding.DecodeString(answer)
	check(err)
	return string(raw)
}
