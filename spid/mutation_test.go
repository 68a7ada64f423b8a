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

// A freedom is a set of mutations that change nothing the rules are about, by a
// pattern of their names.
type freedom struct{ mutations, why string }

// Whatever is changed after signing is found out, but for what is not signed
// and not read.
func TestMutationsAfterSigning(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		what     string
		loosen   edit
		freedoms []freedom
	}{
		{"both signed", all(), []freedom{
			{`remove Response/Signature`, "it may be left out, and then nothing depends on it"},
			{`lift Response/Signature`, "children are known by their names, not by their order"},
			{`(remove|duplicate|empty|change) Response/Signature/KeyInfo(/.*)?`, "the sender's word, which nobody asks"},
			{`(remove|rename|empty|change) Response/Assertion/@xmlns:xs`, "only types use it, which are not read"},
		}},
		{"only the assertion signed", remove(signature), []freedom{
			{`change Response/@ID`, "a name that nobody signed, as Assertion.ResponseID says"},
			{`(remove|rename) Response/Issuer/@Format`, "may be left out"},
			{`lift Response/(Issuer|Status)`, "children are known by their names, not by their order"},
			{`(remove|duplicate|empty|change) Response/Assertion/Signature/KeyInfo(/.*)?`, "the sender's word, which nobody asks"},
			{`(remove|rename|empty|change) Response/Assertion/@xmlns:xs`, "only types use it, which are not read"},
		}},
	} {
		t.Run(c.what, func(t *testing.T) {
			t.Parallel()
			w := observe(t)
			answer := w.answer(idp, after(c.loosen))
			m := muster{freedoms: c.freedoms}
			for _, mutation := range mutations(tree(answer)) {
				root := tree(answer)
				mutation.do(root)
				m.judge(w, mutation.name, serialized(root))
			}
			m.done(t)
		})
	}
}

// What is changed before signing is signed rightly, so that it is the rules that
// refuse it.
func TestMutationsBeforeSigning(t *testing.T) {
	t.Parallel()
	free := []freedom{
		{`(remove|rename) Response/Issuer/@Format`, "may be left out"},
		{`lift Response/(Issuer|Status)`, "children are known by their names, not by their order"},
		{`(remove|rename|empty|change) Response/Assertion/@xmlns:xs`, "only types use it, which are not read"},
		{`change Response/(Assertion/)?@ID`, "as good a name as any"},
		{`change Response/Assertion/Subject/NameID/(@NameQualifier|text)`, "for the provider to choose, and different at every login"},
		{`duplicate Response/Assertion/AuthnStatement`, "it says the same twice"},
		{`duplicate Response/Assertion/Conditions/AudienceRestriction(/Audience)?`, "we are still the audience"},
		{`\w+ Response/Assertion/AttributeStatement/Attribute:\w+/@NameFormat`, "may be left out (official case 109), and is not read"},
		{`\w+ Response/Assertion/AttributeStatement/Attribute:\w+/AttributeValue/@xsi:type`, "types are not read"},
		{`remove Response/Assertion/AttributeStatement/Attribute:(spidCode|dateOfBirth)`, "the person is known without it (official case 103)"},
		{`change Response/Assertion/AttributeStatement/Attribute:(spidCode|dateOfBirth)/@Name`, "the same"},
		{`empty Response/Assertion/AttributeStatement/Attribute:(spidCode|dateOfBirth)/AttributeValue`, "the same"},
		{`change Response/Assertion/AttributeStatement/Attribute:\w+/AttributeValue/text`, "the provider's word"},
	}
	var every []mutation
	observe(t).answer(idp, before(func(root *etree.Element) { every = mutations(root) }))
	m := muster{freedoms: free}
	t.Cleanup(func() { m.done(t) })
	for part := range slices.Chunk(every, 100) { // signing takes long
		t.Run("from "+part[0].name, func(t *testing.T) {
			t.Parallel()
			w := observe(t)
			for _, mutation := range part {
				w.signed = nil
				answer, err := idp.Answer(w.req, anna, between(w.remember), before(mutation.do))
				if err != nil {
					continue // it leaves a prefix undeclared, and cannot be signed
				}
				m.judge(w, mutation.name, answer)
				// And without the signature of the response, which covers the other.
				root := tree(answer)
				root.RemoveChild(root.SelectElement("ds:Signature"))
				m.judge(w, mutation.name, serialized(root))
			}
		})
	}
}

// A muster judges mutations, each of which is refused or free.
type muster struct {
	freedoms []freedom

	mu   sync.Mutex
	used []string
}

func (m *muster) judge(w *witness, name, answer string) {
	a, err := w.verify(answer)
	w.wantTruth(a, err)
	if err != nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, f := range m.freedoms {
		if regexp.MustCompile("^" + f.mutations + "$").MatchString(name) {
			m.used = append(m.used, f.mutations)
			return
		}
	}
	w.Errorf("accepted: %s", name)
}

// done fails if a freedom is granted that is not there.
func (m *muster) done(t *testing.T) {
	for _, f := range m.freedoms {
		if !slices.Contains(m.used, f.mutations) {
			t.Errorf("none of these is accepted, though %s: %s", f.why, f.mutations)
		}
	}
}

// A mutation is one change of one place of a response. Its name is like
// "change Response/Assertion/@ID".
type mutation struct {
	name string
	do   edit
}

// mutations returns the changes of every element, attribute and text.
func mutations(response *etree.Element) []mutation {
	var found []mutation
	var walk func(el *etree.Element, name string, place []int)
	walk = func(el *etree.Element, name string, place []int) {
		add := func(verb, name string, do func(*etree.Element)) {
			found = append(found, mutation{verb + " " + name, func(root *etree.Element) { do(descend(root, place)) }})
		}
		for _, verb := range slices.Sorted(maps.Keys(elementMutations)) {
			idle := verb == "empty" && len(el.Child) == 0 || verb == "lift" && el == response.ChildElements()[len(response.ChildElements())-1]
			if len(place) > 0 && !idle {
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

func descend(el *etree.Element, place []int) *etree.Element {
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
	"lift": func(el *etree.Element) { // to the end of the element around its parent, or of the response
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
	"qualify": func(el *etree.Element, a *etree.Attr) { // once more, in another namespace
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
