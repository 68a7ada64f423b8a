package spid_test

import (
	"github.com/beevik/etree"

	"stella/spid"
)

// forged returns a copy of the signed assertion that says Luca, without a
// signature and with another ID.
func forged(root *etree.Element) *etree.Element {
	el := unsigned(find(root, assertion))
	el.CreateAttr("ID", "_forged")
	el.FindElement("saml:AttributeStatement/saml:Attribute[@Name='fiscalNumber']/saml:AttributeValue").SetText(luca.FiscalNumber)
	return el
}

// unsigned returns a copy without its signature, which is what the signature
// was made of.
func unsigned(el *etree.Element) *etree.Element {
	el = el.Copy()
	el.RemoveChild(el.SelectElement("ds:Signature"))
	return el
}

// A hiding puts an element where one reader finds it and another does not look.
type hiding func(*etree.Element) *etree.Element

func inside(name string) hiding {
	return func(el *etree.Element) *etree.Element {
		around := etree.NewElement(name)
		around.AddChild(el)
		return around
	}
}

func plainly(el *etree.Element) *etree.Element { return el }

// The eight classic wrappings (Somorovsky et al., "On Breaking SAML: Be Whoever
// You Want to Be", as numbered by SAML Raider), in which what was signed is
// hidden, and something forged stands in its place. All namespaces are kept. The
// first two wrap the response, and the others the assertion of a response that
// is not signed.

func xsw1(hide hiding) edit {
	return func(root *etree.Element) {
		original := unsigned(root)
		forge(root)
		find(root, signature).AddChild(hide(original))
	}
}

func xsw2(hide hiding) edit {
	return func(root *etree.Element) {
		original := unsigned(root)
		forge(root)
		root.InsertChildAt(find(root, signature).Index(), hide(original))
	}
}

// forge makes of a response one that has another ID and says Luca.
func forge(root *etree.Element) {
	evil := forged(root)
	root.CreateAttr("ID", "_forged-response")
	root.RemoveChild(find(root, assertion))
	root.AddChild(evil)
}

func xsw3(hide hiding) edit {
	return func(root *etree.Element) {
		remove(signature)(root)
		original := find(root, assertion)
		root.InsertChildAt(original.Index(), forged(root))
		root.AddChild(hide(original))
	}
}

func xsw4(hide hiding) edit {
	return func(root *etree.Element) {
		remove(signature)(root)
		evil := forged(root)
		evil.AddChild(hide(find(root, assertion)))
		root.AddChild(evil)
	}
}

func xsw5(hide hiding) edit {
	return func(root *etree.Element) {
		remove(signature)(root)
		root.AddChild(hide(usurp(root)))
	}
}

func xsw6(hide hiding) edit {
	return func(root *etree.Element) {
		remove(signature)(root)
		original := usurp(root)
		find(root, aSignature).AddChild(hide(original))
	}
}

// usurp makes the signed assertion say Luca, with its signature still there, and
// returns what was signed.
func usurp(root *etree.Element) (original *etree.Element) {
	original = unsigned(find(root, assertion))
	set(assertion, "ID", "_forged")(root)
	write(fiscalValue, luca.FiscalNumber)(root)
	return original
}

func xsw7(hide hiding) edit {
	return func(root *etree.Element) {
		remove(signature)(root)
		root.InsertChildAt(find(root, assertion).Index(), inside("samlp:Extensions")(hide(forged(root))))
	}
}

func xsw8(hide hiding) edit {
	return func(root *etree.Element) {
		remove(signature)(root)
		original := usurp(root)
		find(root, aSignature).AddChild(inside("ds:Object")(hide(original)))
	}
}

// wrappings returns the eight, plainly and with what is hidden inside of
// elements that readers pass over.
func wrappings() []attack {
	const (
		element   = spid.ReasonUnexpectedElement
		misplaced = spid.ReasonAssertionMisplaced
		structure = spid.ReasonSignatureStructure
	)
	shapes := []func(hiding) edit{xsw1, xsw2, xsw3, xsw4, xsw5, xsw6, xsw7, xsw8}
	var attacks []attack
	for _, h := range []struct {
		name string
		hide hiding
		want [8]spid.Reason
	}{
		{"", plainly, [...]spid.Reason{structure, element, misplaced, misplaced, misplaced, misplaced, misplaced, structure}},
		{" in Extensions", inside("samlp:Extensions"), [...]spid.Reason{structure, element, misplaced, element, misplaced, structure, element, structure}},
		{" in Object", inside("ds:Object"), [...]spid.Reason{structure, element, element, element, element, structure, element, structure}},
		{" in Advice", inside("saml:Advice"), [...]spid.Reason{structure, element, element, element, element, structure, element, structure}},
	} {
		for i, shape := range shapes {
			name := "wrapping " + string(rune('1'+i)) + h.name
			attacks = append(attacks, attack{name, spoilt(shape(h.hide)), h.want[i]})
		}
	}
	return attacks
}
