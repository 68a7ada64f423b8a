package spid_test

import (
	"cmp"
	"encoding/base64"
	"strings"

	"stella/spid/spidtest"
)

// A forgery makes the form field of an answer to a witness's request.
type forgery func(*witness) string

// made is the provider's answer.
func made(edits ...spidtest.Edit) forgery {
	return func(w *witness) string { return w.answer(idp, edits...) }
}

// counterfeit is an answer signed with another key.
func counterfeit(edits ...spidtest.Edit) forgery {
	return func(w *witness) string { return w.answer(impostor, edits...) }
}

// spoilt is an answer with edits of what is signed.
func spoilt(edits ...edit) forgery { return made(after(edits...)) }

// loose is an answer of which only the assertion is signed, so that the
// response around it is the attacker's.
func loose(edits ...edit) forgery {
	return spoilt(append([]edit{remove(signature)}, edits...)...)
}

// rewritten is such an answer too, with a part of what was written replaced.
func rewritten(old, new string) forgery {
	return func(w *witness) string {
		xml := unpack(loose()(w))
		if !strings.Contains(xml, old) {
			w.Fatalf("the answer has no %s", old)
		}
		return pack(strings.Replace(xml, old, new, 1))
	}
}

// written is a whole answer, signed twice, with an edit of what was written.
func written(do func(xml string) string) forgery {
	return func(w *witness) string { return pack(do(unpack(w.answer(idp)))) }
}

// posted is a whole answer with an edit of the form field.
func posted(do func(field string) string) forgery {
	return func(w *witness) string { return do(w.answer(idp)) }
}

// byHand is an answer whose assertion is signed with the pen, by a provider that
// is trusted.
func byHand(p pen) forgery {
	return func(w *witness) string {
		w.trust(cmp.Or(p.key, hand))
		return w.answer(idp, after(remove(signature), remove(aSignature), p.write))
	}
}

func pack(xml string) string { return base64.StdEncoding.EncodeToString([]byte(xml)) }

func unpack(answer string) string {
	raw, err := base64.StdEncoding.DecodeString(answer)
	check(err)
	return string(raw)
}
