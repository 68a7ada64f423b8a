package spid_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/beevik/etree"

	"stella/spid"
)

// hostile returns answers without a valid signature that are made as expensive
// as possible: some are too large, others use the bounds fully. The latter
// contain a valid SignedInfo from a genuine answer, so that the digest must be
// computed.
func hostile() []attack {
	last := func(root *etree.Element) { find(root, assertion).AddChild(find(root, aSignature)) }
	piece := func(s string) string { return strings.Repeat(s, 7_900/len(s)) }
	return append(sizeAttacks(), []attack{
		{"attributes, all that fit", assertionOnly(last, fill(17, 18, false)), spid.ReasonSignatureInvalid},
		{"namespaces, all that fit", assertionOnly(last, fill(15, 18, true)), spid.ReasonSignatureInvalid},
		{"elements, all that fit", assertionOnly(last, fill(220, 1, false)), spid.ReasonSignatureInvalid},
		{"text to be escaped", assertionOnly(last, fillText(piece("<")[:1_900])), spid.ReasonSignatureInvalid},
		{"text of references", rewritten(">TINIT-", ">"+piece("&amp;")), spid.ReasonSignatureInvalid},
		{"an attribute to be escaped",
			assertionOnly(last, set(nameID, "SPNameQualifier", piece("<")[:1_900])), spid.ReasonSignatureInvalid},
		{"attributes of 250 characters", assertionOnly(last, fillText(strings.Repeat("A", 250))), spid.ReasonSignatureInvalid},
		{"comments, all that fit", assertionOnly(last, comments(150, "")), ""},
		{"long comments", assertionOnly(last, comments(3, piece("c"))), ""},
		{"digest wrong", assertionOnly(last, write(fiscalValue, luca.FiscalNumber)), spid.ReasonSignatureInvalid},
		{"signed with the attacker's key", counterfeit(after(remove(signature))), spid.ReasonSignatureInvalid},
		{"a long signature", assertionOnly(write(aSignature+"/ds:SignatureValue", piece("AAAA"))), spid.ReasonSignatureStructure},
		{"a long digest", assertionOnly(write(reference+"/ds:DigestValue", piece("AAAA"))), spid.ReasonSignatureStructure},
		{"many inclusive namespaces", assertionOnly(prefixes(1_500)), spid.ReasonSignatureTransforms},
		{"inclusive namespaces, all that fit", assertionOnly(last, fill(15, 18, true), prefixes(19)), spid.ReasonSignatureInvalid},
		{"many references", assertionOnly(copies(reference, 30)), spid.ReasonSignatureReference},
		{"many signatures", assertionOnly(copies(aSignature, 12)), spid.ReasonSignaturePlacement},
	}...)
}

// The maximum cost of an answer, compared with a genuine one. An answer that is
// too large costs little, because no tree is built.
//
// The test is not parallel, because it counts allocations.
func TestBounds(t *testing.T) {
	o := newObserver(t)
	genuine := spentOn(o, issued()(o))
	for _, a := range hostile() {
		o := newObserver(t)
		answer := a.forge(o)
		o.expect(answer, a.want)
		n := spentOn(o, answer)
		t.Logf("%-36s %6d bytes: %5d allocations, %7d bytes; genuine %d, %d",
			a.name, len(answer), n.count, n.bytes, genuine.count, genuine.bytes)
		limit := uint64(4)
		if a.want == spid.ReasonTooLarge {
			limit = 1
		}
		if n.count > limit*genuine.count || n.bytes > limit*genuine.bytes {
			t.Errorf("%s: more than %d times a genuine answer", a.name, limit)
		}
	}
}

// spending is an amount of allocations.
type spending struct{ count, bytes uint64 }

// spentOn returns the allocations for verifying an answer.
func spentOn(o *observer, answer string) spending {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, _ = o.verify(answer)
	runtime.ReadMemStats(&after)
	return spending{after.Mallocs - before.Mallocs, after.TotalAlloc - before.TotalAlloc}
}

// fill adds attributes with their own namespaces to the assertion. If parents
// is true, it adds namespaces to the enclosing elements too.
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
		}
	}
}

// fillText adds as many attributes with that value as an answer can contain.
func fillText(value string) edit {
	return func(root *etree.Element) {
		doc := etree.NewDocumentWithRoot(root.Copy())
		length, err := doc.WriteToString()
		check(err)
		one := etree.NewElement("saml:Attribute")
		one.CreateElement("saml:AttributeValue").SetText(value)
		text, err := etree.NewDocumentWithRoot(one.Copy()).WriteToString()
		check(err)
		for range (35<<10 - len(length)) / len(text) {
			find(root, attributes).AddChild(one.Copy())
		}
	}
}

// comments adds comments to the response, outside the signed assertion.
func comments(n int, text string) edit {
	return func(root *etree.Element) {
		for range n {
			root.CreateComment(text)
		}
	}
}

// copies adds copies of an element next to it.
func copies(path string, n int) edit {
	return func(root *etree.Element) {
		for range n {
			repeat(path)(root)
		}
	}
}

// prefixes adds a list of inclusive namespaces to the canonicalization.
func prefixes(n int) edit {
	return func(root *etree.Element) {
		transform := find(root, reference+"/ds:Transforms").ChildElements()[1]
		el := transform.CreateElement("ec:InclusiveNamespaces")
		el.CreateAttr("xmlns:ec", "http://www.w3.org/2001/10/xml-exc-c14n#")
		list := make([]string, n)
		for i := range list {
			list[i] = fmt.Sprintf("a%d", i%18)
		}
		el.CreateAttr("PrefixList", strings.Join(list, " "))
	}
}
