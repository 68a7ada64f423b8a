package main

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
)

// leaks looks for secrets in a dump of the database, in the logs of every
// process and in the metrics; and in logs and metrics also for whatever says who
// people are.
func leaks(ctx context.Context, e *evidence) (n int, broken []string, err error) {
	hidden := e.world.ledger.secrets()
	for _, m := range e.world.inbox.all() {
		if m.code != "" {
			hidden[m.code] = "a code"
		}
		if m.link != "" {
			hidden[m.link] = "the secret of an invitation"
		}
	}
	dump, err := e.world.primary().dump(ctx)
	if err != nil {
		return 0, nil, err
	}
	broken = hidden.search("the database", dump)
	personal := maps.Clone(hidden)
	for _, p := range e.world.people {
		personal[p.code], personal[p.family] = "a fiscal code", "a name"
	}
	for _, m := range e.world.mailboxes {
		personal[m.address], personal[m.email] = "a certified mailbox", "an address"
	}
	logs, err := filepath.Glob(e.world.file("*.log"))
	if err != nil {
		return 0, nil, err
	}
	for _, file := range logs {
		text, err := os.ReadFile(file)
		if err != nil {
			return 0, nil, err
		}
		broken = append(broken, personal.search(filepath.Base(file), text)...)
		for _, sign := range []string{"SAMLResponse", "<saml", "DATA RACE", "panic", "fatal error"} {
			if bytes.Contains(text, []byte(sign)) {
				broken = append(broken, fmt.Sprintf("%s says %q", filepath.Base(file), sign))
			}
		}
	}
	for _, i := range e.world.instances {
		text, err := i.get(ctx, i.metrics, "/metrics")
		if err != nil {
			return 0, nil, err
		}
		broken = append(broken, personal.search("the metrics of "+i.name, sample.ReplaceAll(text, []byte("$1")))...)
	}
	return len(personal), broken, nil
}

// Secrets are what must be found nowhere, and what each of them is.
type secrets map[string]string

// search tells the lines of a text in which a secret stands.
func (s secrets) search(where string, text []byte) []string {
	found := map[string]bool{}
	for line := range bytes.Lines(text) {
		if len(s.in(line)) == 0 {
			continue
		}
		line = innocent.ReplaceAll(bytes.TrimSpace(line), nil)
		for _, what := range s.in(line) {
			found[fmt.Sprintf("%s has %s: %.300s", where, what, line)] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// in names the secrets that stand in a line, as words of their own: a code may
// well be the middle of a longer number.
func (s secrets) in(line []byte) (all []string) {
	for word := range bytes.FieldsFuncSeq(line, separates) {
		for _, word := range [][]byte{word, bytes.Trim(word, ".@-+")} {
			if what, is := s[string(word)]; is {
				all = append(all, what)
			}
		}
	}
	return all
}

// separates reports whether a rune is part of no word. An address is one word,
// and so is what is written in base64url.
func separates(r rune) bool {
	return !(r == '_' || r == '@' || r == '.' || r == '+' || r == '-' || '0' <= r && r <= '9' || 'A' <= r && r <= 'Z' || 'a' <= r && r <= 'z')
}

var (
	// innocent are digits that are no code: of a duration, of a time, of a
	// process, of a job, of a place in PostgreSQL's log.
	innocent = regexp.MustCompile(`"duration":\d+|PID \d+|\d\d:\d\d:\d\d\.\d+|river_job_id=\d+|\b[0-9A-F]+/[0-9A-F]+\b`)
	// sample is a line of the metrics. A secret could be a name or a label; what
	// is measured may be any number.
	sample = regexp.MustCompile(`(?m)^(\w+(?:\{.*\})?) \S+$`)
)
