package spid_test

import (
	"github.com/beevik/etree"

	"stella/spid"
)

// forged returns an unsigned copy of the signed assertion, with another ID and
// with the fiscal number of Luca.
func forged(root *etree.Element) *etree.Element {
	el := unsigned(find(root, assertion))
	el.CreateAttr("ID", "_forged")
	el.FindElement("saml:AttributeStatement/saml:Attribute[@Name='fiscalNumber']/saml:AttributeValue").SetText(luca.FiscalNumber)
	return el
}

// unsigned returns a copy without its signature: the content that was signed.
func unsigned(el *etree.Element) *etree.Element {
	el = el.Copy()
	el.RemoveChild(el.SelectElement("ds:Signature"))
	return el
}

// A wrapper puts an element inside another, so that one reader finds it and
// another does not.
type wrapper func(*etree.Element) *etree.Element

func inside(name string) wrapper {
	return func(el *etree.Element) *etree.Element {
		around := etree.NewElement(name)
		around.AddChild(el)
		return around
	}
}

func unwrapped(el *etree.Element) *etree.Element { return el }

// The eight classic wrappings (Somorovsky et al., "On Breaking SAML: Be Whoever
// You Want to Be", numbered as in SAML Raider). In each, the signed element is
// hidden and a forged one takes its place. All namespaces are kept. The first
// two wrap the response; the others wrap the assertion of an unsigned response.

func xsw1(wrap wrapper) edit {
	return func(root *etree.Element) {
		original := unsigned(root)
		forge(root)
		find(root, signature).AddChild(wrap(original))
	}
}

func xsw2(wrap wrapper) edit {
	return func(root *etree.Element) {
		original := unsigned(root)
		forge(root)
		root.InsertChildAt(find(root, signature).Index(), wrap(original))
	}
}

// forge gives a response another ID and the fiscal number of Luca.
func forge(root *etree.Element) {
	evil := forged(root)
	root.CreateAttr("ID", "_forged-response")
	root.RemoveChild(find(root, assertion))
	root.AddChild(evil)
}

func xsw3(wrap wrapper) edit {
	return func(root *etree.Element) {
		remove(signature)(root)
		original := find(root, assertion)
		root.InsertChildAt(original.Index(), forged(root))
		root.AddChild(wrap(original))
	}
}

func xsw4(wrap wrapper) edit {
	return func(root *etree.Element) {
		remove(signature)(root)
		evil := forged(root)
		evil.AddChild(wrap(find(root, assertion)))
		root.AddChild(evil)
	}
}

func xsw5(wrap wrapper) edit {
	return func(root *etree.Element) {
		remove(signature)(root)
		root.AddChild(wrap(forgeInPlace(root)))
	}
}

func xsw6(wrap wrapper) edit {
	return func(root *etree.Element) {
		remove(signature)(root)
		original := forgeInPlace(root)
		find(root, aSignature).AddChild(wrap(original))
	}
}

// forgeInPlace changes the signed assertion to the fiscal number of Luca,
// without removing its signature. It returns a copy of the signed content.
func forgeInPlace(root *etree.Element) (original *etree.Element) {
	original = unsigned(find(root, assertion))
	set(assertion, "ID", "_forged")(root)
	write(fiscalValue, luca.FiscalNumber)(root)
	return original
}

func xsw7(wrap wrapper) edit {
	return func(root *etree.Element) {
		remove(signature)(root)
		root.InsertChildAt(find(root, assertion).Index(), inside("samlp:Extensions")(wrap(forged(root))))
	}
}

func xsw8(wrap wrapper) edit {
	return func(root *etree.Element) {
		remove(signature)(root)
		original := forgeInPlace(root)
		find(root, aSignature).AddChild(inside("ds:Object")(wrap(original)))
	}
}

// wrappings returns the eight attacks, without and with an element around the
// hidden part that readers skip.
func wrappings() []attack {
	const (
		element   = spid.ReasonUnexpectedElement
		misplaced = spid.ReasonAssertionMisplaced
		structure = spid.ReasonSignatureStructure
	)
	shapes := []func(wrapper) edit{xsw1, xsw2, xsw3, xsw4, xsw5, xsw6, xsw7, xsw8}
	var attacks []attack
	for _, h := range []struct {
		name string
		wrap wrapper
		want [8]spid.Reason
	}{
		{"", unwrapped, [...]spid.Reason{structure, element, misplaced, misplaced, misplaced, misplaced, misplaced, structure}},
		{" in Extensions",
			inside("samlp:Extensions"), [...]spid.Reason{structure, element, misplaced, element, misplaced, structure, element, structure}},
		{" in Object", inside("ds:Object"), [...]spid.Reason{structure, element, element, element, element, structure, element, structure}},
		{" in Advice",
			inside("saml:Advice"), [...]spid.Reason{structure, element, element, element, element, structure, element, structure}},
	} {
		for i, shape := range shapes {
			name := "wrapping " + string(rune('1'+i)) + h.name
			attacks = append(attacks, attack{name, tampered(shape(h.wrap)), h.want[i]})
		}
	}
	return attacks
}
