package spid_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/beevik/etree"

	"stella/spid"
)

// hostile are answers that nobody signed and that are made to cost as much as
// they can: those that are too large, and those that fill the bounds. The latter
// have a SignedInfo that holds, stolen from a genuine answer, so that the digest
// has to be made.
func hostile() []attack {
	last := func(root *etree.Element) { find(root, assertion).AddChild(find(root, aSignature)) }
	piece := func(s string) string { return strings.Repeat(s, 7_900/len(s)) }
	return append(sizeAttacks(), []attack{
		{"attributes, all that fit", loose(last, fill(17, 18, false)), spid.ReasonSignatureInvalid},
		{"namespaces, all that fit", loose(last, fill(15, 18, true)), spid.ReasonSignatureInvalid},
		{"elements, all that fit", loose(last, fill(220, 1, false)), spid.ReasonSignatureInvalid},
		{"text to be escaped", loose(last, fillText(piece("<")[:1_900])), spid.ReasonSignatureInvalid},
		{"text of references", rewritten(">TINIT-", ">"+piece("&amp;")), spid.ReasonSignatureInvalid},
		{"an attribute to be escaped", loose(last, set(nameID, "SPNameQualifier", piece("<")[:1_900])), spid.ReasonSignatureInvalid},
		{"attributes of 250 characters", loose(last, fillText(strings.Repeat("A", 250))), spid.ReasonSignatureInvalid},
		{"comments, all that fit", loose(last, comments(150, "")), ""},
		{"long comments", loose(last, comments(3, piece("c"))), ""},
		{"digest wrong", loose(last, write(fiscalValue, luca.FiscalNumber)), spid.ReasonSignatureInvalid},
		{"signed with a key of one's own", counterfeit(after(remove(signature))), spid.ReasonSignatureInvalid},
		{"a long signature", loose(write(aSignature+"/ds:SignatureValue", piece("AAAA"))), spid.ReasonSignatureStructure},
		{"a long digest", loose(write(reference+"/ds:DigestValue", piece("AAAA"))), spid.ReasonSignatureStructure},
		{"many inclusive namespaces", loose(prefixes(1_500)), spid.ReasonSignatureTransforms},
		{"inclusive namespaces, all that fit", loose(last, fill(15, 18, true), prefixes(19)), spid.ReasonSignatureInvalid},
		{"many references", loose(copies(reference, 30)), spid.ReasonSignatureReference},
		{"many signatures", loose(copies(aSignature, 12)), spid.ReasonSignaturePlacement},
	}...)
}

// What an answer can cost at most, against a genuine one. An answer that is too
// large costs little, because no tree is made of it.
//
// It is not parallel, since it counts what is allocated.
func TestBounds(t *testing.T) {
	w := observe(t)
	genuine := spentOn(w, made()(w))
	for _, a := range hostile() {
		w := observe(t)
		answer := a.forge(w)
		w.judge(answer, a.want)
		n := spentOn(w, answer)
		t.Logf("%-36s %6d bytes: %5d allocations, %7d bytes; genuine %d, %d", a.name, len(answer), n.count, n.bytes, genuine.count, genuine.bytes)
		times := uint64(4)
		if a.want == spid.ReasonTooLarge {
			times = 1
		}
		if n.count > times*genuine.count || n.bytes > times*genuine.bytes {
			t.Errorf("%s: more than %d times a genuine answer", a.name, times)
		}
	}
}

// spending is what is allocated.
type spending struct{ count, bytes uint64 }

// spentOn returns what is allocated to verify an answer.
func spentOn(w *witness, answer string) spending {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, _ = w.verify(answer)
	runtime.ReadMemStats(&after)
	return spending{after.Mallocs - before.Mallocs, after.TotalAlloc - before.TotalAlloc}
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
		}
	}
}

// fillText adds as many attributes with that value as fit into an answer.
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

// comments adds comments to the response, which is not signed.
func comments(n int, text string) edit {
	return func(root *etree.Element) {
		for range n {
			root.CreateComment(text)
		}
	}
}

// copies adds copies of an element beside it.
func copies(path string, n int) edit {
	return func(root *etree.Element) {
		for range n {
			repeat(path)(root)
		}
	}
}

// prefixes adds a list of inclusive namespaces to the canonical form.
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
