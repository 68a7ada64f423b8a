package spid_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/beevik/etree"

	"stella/spid"
)

// What an answer can cost at most, against a genuine one: ten times as much.
// Those that are too large cost little, since no tree is made of them. The
// costliest fill the bounds with namespaces, and have a SignedInfo that holds,
// stolen from a genuine answer, so that the digest has to be made.
//
// It is not parallel, since it counts what is allocated.
func TestBounds(t *testing.T) {
	w := observe(t)
	genuine := allocations(w, made()(w))
	signatureLast := func(root *etree.Element) { find(root, assertion).AddChild(find(root, aSignature)) }
	attacks := append(sizeAttacks(),
		attack{"namespaces, on every attribute", loose(signatureLast, fill(220, 18, false)), spid.ReasonSignatureInvalid},
		attack{"namespaces, around them too", loose(signatureLast, fill(115, 18, true)), spid.ReasonSignatureInvalid},
		attack{"text to be escaped", loose(signatureLast, write(nameID, strings.Repeat("<", 20_000))), spid.ReasonSignatureInvalid},
		attack{"an attribute to be escaped", loose(signatureLast, set(nameID, "SPNameQualifier", strings.Repeat("<", 20_000))), spid.ReasonSignatureInvalid},
	)
	for _, a := range attacks {
		w := observe(t)
		answer := a.forge(w)
		w.judge(answer, a.want)
		n := allocations(w, answer)
		t.Logf("%s, %d bytes: %.0f allocations, a genuine answer %.0f", a.name, len(answer), n, genuine)
		if n > 10*genuine {
			t.Errorf("%s: %.0f allocations, a genuine answer takes %.0f", a.name, n, genuine)
		}
		if a.want == spid.ReasonTooLarge && n > 2*genuine {
			t.Errorf("%s: %.0f allocations before it is refused", a.name, n)
		}
	}
}

// allocations returns how often memory is allocated to verify an answer.
func allocations(w *witness, answer string) float64 {
	return testing.AllocsPerRun(1, func() { _, _ = w.verify(answer) })
}

// fill adds attributes to the assertion, with namespaces of their own, and if
// wanted to what is around them.
func fill(attributesAdded, namespaces int, parents bool) edit {
	return func(root *etree.Element) {
		declare := func(el *etree.Element, what string) {
			for i := range namespaces - len(el.Attr) {
				el.CreateAttr(fmt.Sprintf("xmlns:%s%d", what, i), "u")
			}
		}
		if parents {
			declare(root, "r")
			declare(find(root, assertion), "a")
			declare(find(root, attributes), "s")
		}
		for range attributesAdded {
			el := find(root, attributes).CreateElement("saml:Attribute")
			declare(el, "n")
			if parents {
				declare(el.CreateElement("saml:AttributeValue"), "v")
			}
		}
	}
}
