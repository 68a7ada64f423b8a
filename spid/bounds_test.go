package spid_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

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
	genuine := made()
	w := observe(t)
	allocations, took := cost(w, genuine(w))
	t.Logf("a genuine answer: %v, %.0f allocations", took, allocations)

	signatureLast := func(root *etree.Element) { find(root, assertion).AddChild(find(root, aSignature)) }
	attacks := append(sizeAttacks(),
		attack{"namespaces, on every attribute", loose(signatureLast, fill(220, 18, false)), spid.ReasonSignatureInvalid},
		attack{"namespaces, around them too", loose(signatureLast, fill(115, 18, true)), spid.ReasonSignatureInvalid},
		attack{"text to be escaped", loose(signatureLast, write(nameID, strings.Repeat("<", 20_000))), spid.ReasonSignatureInvalid},
		attack{"an attribute to be escaped", loose(signatureLast, set(nameID, "SPNameQualifier", strings.Repeat("<", 20_000))), spid.ReasonSignatureInvalid},
	)
	slowest := time.Duration(0)
	for _, a := range attacks {
		w := observe(t)
		answer := a.forge(w)
		w.judge(answer, a.want)
		n, d := cost(w, answer)
		t.Logf("%s, %d bytes: %v, %.0f allocations", a.name, len(answer), d, n)
		slowest = max(slowest, d)
		if n > 10*allocations {
			t.Errorf("%s: %.0f allocations, a genuine answer takes %.0f", a.name, n, allocations)
		}
		if a.want == spid.ReasonTooLarge && n > 2*allocations {
			t.Errorf("%s: %.0f allocations before it is refused", a.name, n)
		}
	}
	t.Logf("the slowest: %v", slowest)
}

// cost returns what verifying an answer allocates and takes, at best.
func cost(w *witness, answer string) (allocations float64, took time.Duration) {
	times := make([]time.Duration, 5)
	for i := range times {
		start := time.Now()
		_, _ = w.verify(answer)
		times[i] = time.Since(start)
	}
	return testing.AllocsPerRun(3, func() { _, _ = w.verify(answer) }), slices.Min(times)
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
