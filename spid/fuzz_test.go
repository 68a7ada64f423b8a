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

// A seed is a document to start from, with the observer that made it.
type seed struct {
	observer *observer
	xml      string
}

var seedCache struct {
	sync.Once
	seeds []seed
}

// seeds returns the attacks and the official cases as documents, all in answer
// to one request. Making them takes long, so both fuzz targets share them.
func seeds(f *testing.F) []seed {
	seedCache.Do(func() { seedCache.seeds = makeSeeds(f) })
	return seedCache.seeds
}

func makeSeeds(f *testing.F) []seed {
	forgeries := []forgery{issued(), assertionOnly()}
	for _, c := range officialCases {
		forgeries = append(forgeries, c.forge)
	}
	for _, code := range slices.Sorted(maps.Values(officialAnomalies)) {
		forgeries = append(forgeries, func(o *observer) string { return o.fail(code) })
	}
	for _, group := range corpus {
		for _, a := range group.attacks {
			if group.target != "truncations" {
				forgeries = append(forgeries, a.forge)
			}
		}
	}
	req := login(f)
	all := make([]seed, len(forgeries))
	var wg sync.WaitGroup
	for i, forge := range forgeries {
		wg.Go(func() {
			o := &observer{TB: f, sp: sp, req: req, provider: provider}
			raw, err := base64.StdEncoding.DecodeString(forge(o))
			if err == nil && len(raw) < 16<<10 {
				all[i] = seed{o, string(raw)}
			}
		})
	}
	wg.Wait()
	return slices.DeleteFunc(all, func(s seed) bool { return s.observer == nil })
}

// FuzzResponse cuts and pastes in answers of all kinds. It looks for panics,
// and for an answer that is accepted with unsigned content. Its input is a seed
// and a list of edits, not the answer itself, because every process has other
// keys.
func FuzzResponse(f *testing.F) {
	all := seeds(f)
	for i := range all { // TestAttacks and TestOfficialCases check them unchanged
		f.Add(uint16(i), []byte("\x00\x00\x09\x00\x02\x00\x01\x00\x05\x00\x03\x00"))
	}
	f.Fuzz(func(t *testing.T, i uint16, edits []byte) {
		s := all[int(i)%len(all)]
		o := *s.observer
		o.TB = t
		edited := splice(s.xml, edits)
		a, err := o.verify(pack(edited))
		o.wantSigned(a, err)
		wantKind(t, err)
		if t.Failed() {
			t.Log(edited)
		}
	})
}

// splice interprets the bytes as a list of edits and applies them to a
// document. Each edit refers to elements, and to places between or inside
// pieces of markup, by number.
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

// anatomy returns the positions of a document's elements, and the start, middle
// and end of its tags and texts.
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

// FuzzOpen looks for panics in documents of all kinds, and for a document that
// is accepted but changes if it is written and read again, as goxmldsig does.
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
		// Empty CDATA is lost on the way, which does no harm.
		if err := roundtrip.Validate(bytes.NewReader(bytes.ReplaceAll(raw, []byte("<![CDATA[]]>"), nil))); err != nil {
			t.Errorf("accepted: %v", err)
		}
		// Use the ID that the response claims to answer, so that it passes the
		// envelope.
		req := all[0].observer.req
		req.ID = response.InResponseTo()
		_, err = sp.Verify(response, req.RelayState, req, provider)
		wantKind(t, err)
	})
}

// wantKind fails unless err is nil or of a documented type.
func wantKind(t *testing.T, err error) {
	t.Helper()
	var rejection *spid.Rejection
	var anomaly *spid.Anomaly
	if err != nil && !errors.As(err, &rejection) && !errors.As(err, &anomaly) {
		t.Errorf("neither a rejection nor an anomaly: %v", err)
	}
}
