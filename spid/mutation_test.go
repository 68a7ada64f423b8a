package spid_test

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/beevik/etree"
)

// An exception is a set of mutations that are accepted because they break no
// rule. mutations is a regular expression for their names.
type exception struct{ mutations, why string }

// Every change after signing is detected, except in parts that are neither
// signed nor read.
func TestMutationsAfterSigning(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		what       string
		strip      edit
		exceptions []exception
	}{
		{"both signed", all(), []exception{
			{`remove Response/Signature`, "it may be missing, and then nothing depends on it"},
			{`lift Response/Signature`, "children are found by name, in any order"},
			{`(remove|duplicate|empty|change) Response/Signature/KeyInfo(/.*)?`, "the sender's claim, which is ignored"},
			{`(remove|rename|empty|change) Response/Assertion/@xmlns:xs`, "only types use it, and they are not read"},
		}},
		{"only the assertion signed", remove(signature), []exception{
			{`change Response/@ID`, "it is unsigned, as Assertion.ResponseID documents"},
			{`(remove|rename) Response/Issuer/@Format`, "may be missing"},
			{`lift Response/(Issuer|Status)`, "children are found by name, in any order"},
			{`(remove|duplicate|empty|change) Response/Assertion/Signature/KeyInfo(/.*)?`, "the sender's claim, which is ignored"},
			{`(remove|rename|empty|change) Response/Assertion/@xmlns:xs`, "only types use it, and they are not read"},
		}},
	} {
		t.Run(c.what, func(t *testing.T) {
			t.Parallel()
			o := newObserver(t)
			answer := o.answer(idp, after(c.strip))
			m := mutationCheck{exceptions: c.exceptions}
			for _, mutation := range mutations(tree(answer)) {
				root := tree(answer)
				mutation.do(root)
				m.check(o, mutation.name, serialized(root))
			}
			m.done(t)
		})
	}
}

// Changes before signing are correctly signed, so only the rules can refuse
// them.
func TestMutationsBeforeSigning(t *testing.T) {
	t.Parallel()
	exceptions := []exception{
		{`(remove|rename) Response/Issuer/@Format`, "may be missing"},
		{`lift Response/(Issuer|Status)`, "children are found by name, in any order"},
		{`(remove|rename|empty|change) Response/Assertion/@xmlns:xs`, "only types use it, and they are not read"},
		{`change Response/(Assertion/)?@ID`, "any ID is valid"},
		{`change Response/Assertion/Subject/NameID/(@NameQualifier|text)`, "the provider chooses it for each login"},
		{`duplicate Response/Assertion/AuthnStatement`, "both statements are the same"},
		{`duplicate Response/Assertion/Conditions/AudienceRestriction(/Audience)?`, "we are still the audience"},
		{`\w+ Response/Assertion/AttributeStatement/Attribute:\w+/@NameFormat`, "may be missing (official case 109), and is not read"},
		{`\w+ Response/Assertion/AttributeStatement/Attribute:\w+/AttributeValue/@xsi:type`, "types are not read"},
		{
			`remove Response/Assertion/AttributeStatement/Attribute:(spidCode|dateOfBirth)`,
			"not needed to identify the person (official case 103)",
		},
		{`change Response/Assertion/AttributeStatement/Attribute:(spidCode|dateOfBirth)/@Name`, "see above"},
		{`empty Response/Assertion/AttributeStatement/Attribute:(spidCode|dateOfBirth)/AttributeValue`, "see above"},
		{`change Response/Assertion/AttributeStatement/Attribute:\w+/AttributeValue/text`, "the provider decides it"},
	}
	var every []mutation
	newObserver(t).answer(idp, before(func(root *etree.Element) { every = mutations(root) }))
	m := mutationCheck{exceptions: exceptions}
	t.Cleanup(func() { m.done(t) })
	for part := range slices.Chunk(every, 100) { // signing takes long
		t.Run("from "+part[0].name, func(t *testing.T) {
			t.Parallel()
			o := newObserver(t)
			for _, mutation := range part {
				o.signed = nil
				answer, err := idp.Answer(o.req, anna, between(o.record), before(mutation.do))
				if err != nil {
					continue // a prefix is undeclared, so it cannot be signed
				}
				m.check(o, mutation.name, answer)
				// And without the response's signature, so that only the assertion is signed.
				root := tree(answer)
				root.RemoveChild(root.SelectElement("ds:Signature"))
				m.check(o, mutation.name, serialized(root))
			}
		})
	}
}

// A mutationCheck verifies mutations. Each must be refused or match an
// exception.
type mutationCheck struct {
	exceptions []exception

	mu   sync.Mutex
	used []string
}

func (m *mutationCheck) check(o *observer, name, answer string) {
	a, err := o.verify(answer)
	o.wantSigned(a, err)
	if err != nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, e := range m.exceptions {
		if regexp.MustCompile("^" + e.mutations + "$").MatchString(name) {
			m.used = append(m.used, e.mutations)
			return
		}
	}
	o.Errorf("accepted: %s", name)
}

// done fails if an exception was never used.
func (m *mutationCheck) done(t *testing.T) {
	for _, e := range m.exceptions {
		if !slices.Contains(m.used, e.mutations) {
			t.Errorf("no mutation of this exception was accepted (%s): %s", e.why, e.mutations)
		}
	}
}

// A mutation is one change at one place of a response. Its name looks like
// "change Response/Assertion/@ID".
type mutation struct {
	name string
	do   edit
}

// mutations returns all changes of every element, attribute and text.
func mutations(response *etree.Element) []mutation {
	var found []mutation
	var walk func(el *etree.Element, name string, place []int)
	walk = func(el *etree.Element, name string, place []int) {
		add := func(verb, name string, do func(*etree.Element)) {
			found = append(found, mutation{verb + " " + name, func(root *etree.Element) { do(elementAt(root, place)) }})
		}
		for _, verb := range slices.Sorted(maps.Keys(elementMutations)) {
			noop := verb == "empty" && len(el.Child) == 0 ||
				verb == "lift" && el == response.ChildElements()[len(response.ChildElements())-1]
			if len(place) > 0 && !noop {
				add(verb, name, elementMutations[verb])
			}
		}
		if text := el.Text(); strings.TrimSpace(text) != "" {
			add("change", name+"/text", func(el *etree.Element) { el.SetText(text + "x") })
		}
		for _, a := range el.Attr {
			key := a.FullKey()
			for _, verb := range slices.Sorted(maps.Keys(attributeMutations)) {
				add(verb, name+"/@"+key, func(el *etree.Element) { attributeMutations[verb](el, el.SelectAttr(key)) })
			}
		}
		for i, child := range el.ChildElements() {
			childName := name + "/" + child.Tag
			if child.Tag == "Attribute" {
				childName += ":" + child.SelectAttrValue("Name", "")
			}
			walk(child, childName, append(slices.Clone(place), i))
		}
	}
	walk(response, "Response", nil)
	return found
}

func elementAt(el *etree.Element, place []int) *etree.Element {
	for _, i := range place {
		el = el.ChildElements()[i]
	}
	return el
}

var elementMutations = map[string]func(*etree.Element){
	"remove":    func(el *etree.Element) { el.Parent().RemoveChild(el) },
	"empty":     func(el *etree.Element) { el.Child = nil },
	"duplicate": func(el *etree.Element) { el.Parent().InsertChildAt(el.Index()+1, el.Copy()) },
	"rename":    func(el *etree.Element) { el.Tag += "X" },
	"displace":  func(el *etree.Element) { el.CreateAttr("xmlns:"+el.Space, "urn:other") },
	"unwrap": func(el *etree.Element) { // its children take its place
		for _, child := range slices.Clone(el.Child) {
			el.Parent().InsertChildAt(el.Index(), child)
		}
		el.Parent().RemoveChild(el)
	},
	"lift": func(el *etree.Element) { // moves it up one level, or to the end of the response
		to := el.Parent()
		if to.Tag != "Response" {
			to = to.Parent()
		}
		to.AddChild(el)
	},
}

var attributeMutations = map[string]func(*etree.Element, *etree.Attr){
	"remove":    func(el *etree.Element, a *etree.Attr) { el.RemoveAttr(a.FullKey()) },
	"empty":     func(_ *etree.Element, a *etree.Attr) { a.Value = "" },
	"change":    func(_ *etree.Element, a *etree.Attr) { a.Value += "x" },
	"rename":    func(_ *etree.Element, a *etree.Attr) { a.Key += "X" },
	"duplicate": func(el *etree.Element, a *etree.Attr) { el.Attr = append(el.Attr, *a) },
	"qualify": func(el *etree.Element, a *etree.Attr) { // repeated in another namespace
		el.CreateAttr("xmlns:other", "urn:other")
		el.CreateAttr("other:"+a.Key, a.Value)
	},
}

func tree(answer string) *etree.Element {
	doc := etree.NewDocument()
	doc.ReadSettings.PreserveDuplicateAttrs = true
	check(doc.ReadFromString(unpack(answer)))
	return doc.Root()
}

func serialized(root *etree.Element) string {
	xml, err := etree.NewDocumentWithRoot(root).WriteToString()
	check(err)
	return pack(xml)
}
