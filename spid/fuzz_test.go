package spid_test

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/xml"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	roundtrip "github.com/mattermost/xml-roundtrip-validator"

	"stella/spid"
)

// A seed is a document to start from, with the witness of how it was made.
type seed struct {
	witness *witness
	xml     string
}

var sown struct {
	sync.Once
	seeds []seed
}

// seeds returns the corpus of attacks and the official cases, all answers to one
// request. They take long to make, so both targets share them.
func seeds(f *testing.F) []seed {
	sown.Do(func() { sown.seeds = sow(f) })
	return sown.seeds
}

func sow(f *testing.F) []seed {
	forgeries := []forgery{made(), loose()}
	for _, c := range officialCases {
		forgeries = append(forgeries, c.forge)
	}
	for _, code := range slices.Sorted(maps.Values(officialAnomalies)) {
		forgeries = append(forgeries, func(w *witness) string { return w.fail(code) })
	}
	for _, group := range corpus {
		for _, a := range group.attacks {
			if group.abuses != "truncations" {
				forgeries = append(forgeries, a.forge)
			}
		}
	}
	req := login(f)
	all := make([]seed, len(forgeries))
	var wg sync.WaitGroup
	for i, forge := range forgeries {
		wg.Go(func() {
			w := &witness{TB: f, sp: sp, req: req, provider: provider}
			raw, err := base64.StdEncoding.DecodeString(forge(w))
			if err == nil && len(raw) < 16<<10 {
				all[i] = seed{w, string(raw)}
			}
		})
	}
	wg.Wait()
	return slices.DeleteFunc(all, func(s seed) bool { return s.witness == nil })
}

// FuzzResponse cuts and pastes in answers of all kinds, looking for panics and
// for one that is accepted and says what nobody signed. It is given a seed and
// what to do with it, not the answer itself, since every process has other keys.
func FuzzResponse(f *testing.F) {
	all := seeds(f)
	for i := range all { // as they are they are judged by TestAttacks and TestOfficialCases
		f.Add(uint16(i), []byte("\x00\x00\x09\x00\x02\x00\x01\x00\x05\x00\x03\x00"))
	}
	f.Fuzz(func(t *testing.T, i uint16, edits []byte) {
		s := all[int(i)%len(all)]
		w := *s.witness
		w.TB = t
		spoilt := splice(s.xml, edits)
		a, err := w.verify(pack(spoilt))
		w.wantTruth(a, err)
		wantKind(t, err)
		if t.Failed() {
			t.Log(spoilt)
		}
	})
}

// splice edits a document as the bytes say, which are taken as commands. Each
// works on elements and places between pieces of markup, by their number.
func splice(doc string, edits []byte) string {
	for len(edits) >= 6 {
		elements, places := anatomy(doc)
		if len(elements) == 0 || len(doc) > 64<<10 {
			return doc
		}
		element := elements[int(binary.LittleEndian.Uint16(edits[2:]))%len(elements)]
		place := places[int(binary.LittleEndian.Uint16(edits[4:]))%len(places)]
		length := min(int(edits[1]), len(edits)-6)
		literal := string(edits[6 : 6+length])
		switch edits[0] % 5 {
		case 0: // copy
			doc = doc[:place] + doc[element.from:element.to] + doc[place:]
		case 1: // move
			moved := doc[element.from:element.to]
			switch {
			case place <= element.from:
				doc = doc[:place] + moved + doc[place:element.from] + doc[element.to:]
			case place >= element.to:
				doc = doc[:element.from] + doc[element.to:place] + moved + doc[place:]
			}
		case 2: // remove
			doc = doc[:element.from] + doc[element.to:]
		case 3: // insert
			doc = doc[:place] + literal + doc[place:]
		case 4: // wrap
			doc = doc[:element.from] + "<" + literal + ">" + doc[element.from:element.to] + "</" + literal + ">" + doc[element.to:]
		}
		edits = edits[6+length:]
	}
	return doc
}

type span struct{ from, to int }

// anatomy returns where the elements of a document stand, and places at the
// borders and in the middle of its tags and texts.
func anatomy(doc string) (elements []span, places []int) {
	d := xml.NewDecoder(strings.NewReader(doc))
	var open []int
	for {
		from := int(d.InputOffset())
		token, err := d.RawToken()
		if err != nil {
			break
		}
		to := int(d.InputOffset())
		places = append(places, from, (from+to)/2, max(from, to-1), to)
		switch token.(type) {
		case xml.StartElement:
			open = append(open, from)
		case xml.EndElement:
			if len(open) > 0 {
				elements = append(elements, span{open[len(open)-1], to})
				open = open[:len(open)-1]
			}
		}
	}
	return elements, slices.Compact(places)
}

// FuzzOpen looks for panics in documents of all kinds, and for one that is let
// in and does not come through writing and reading again, as goxmldsig does it.
func FuzzOpen(f *testing.F) {
	all := seeds(f)
	for _, s := range all {
		f.Add([]byte(s.xml))
	}
	f.Add([]byte(`<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="a" x:="" :y="" z::w=""/>`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		response, err := spid.Open(base64.StdEncoding.EncodeToString(raw))
		wantKind(t, err)
		if err != nil {
			return
		}
		// Empty CDATA does not come through, and does not matter.
		if err := roundtrip.Validate(bytes.NewReader(bytes.ReplaceAll(raw, []byte("<![CDATA[]]>"), nil))); err != nil {
			t.Errorf("let in: %v", err)
		}
		// Whatever it claims to answer, so that it gets past the envelope.
		req := all[0].witness.req
		req.ID = response.InResponseTo()
		_, err = sp.Verify(response, req.RelayState, req, provider)
		wantKind(t, err)
	})
}

// wantKind fails unless err is of the kinds that are documented.
func wantKind(t *testing.T, err error) {
	t.Helper()
	var rejection *spid.Rejection
	var anomaly *spid.Anomaly
	if err != nil && !errors.As(err, &rejection) && !errors.As(err, &anomaly) {
		t.Errorf("neither a rejection nor an anomaly: %v", err)
	}
}
