package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// leaks looks for secrets in a dump of the database, in the logs of every
// process and in the metrics; and in logs and metrics also for whatever says who
// people are.
func leaks(ctx context.Context, e *evidence) (n int, broken []string, err error) {
	secrets := e.world.ledger.secrets()
	for _, m := range e.world.inbox.all() {
		if m.code != "" {
			secrets[m.code] = "a code"
		}
		if m.link != "" {
			secrets[m.link] = "the secret of an invitation"
		}
	}
	dump, err := e.world.primary().dump(ctx)
	if err != nil {
		return 0, nil, err
	}
	find := finder(secrets)
	broken = search("the database", dump, find)
	personal := maps.Clone(secrets)
	for _, p := range e.world.people {
		personal[p.code], personal[p.family] = "a fiscal code", "a name"
	}
	for _, m := range e.world.mailboxes {
		personal[m.address], personal[m.email] = "a certified mailbox", "an address"
	}
	find = finder(personal)
	logs, err := filepath.Glob(e.world.file("*.log"))
	if err != nil {
		return 0, nil, err
	}
	for _, file := range logs {
		text, err := os.ReadFile(file)
		if err != nil {
			return 0, nil, err
		}
		broken = append(broken, search(filepath.Base(file), text, find)...)
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
		broken = append(broken, search("the metrics of "+i.name, sample.ReplaceAll(text, []byte("$1")), find)...)
	}
	return len(personal), broken, nil
}

// words are what secrets are made of: a code must stand alone, and not be the
// part of a second, of a process number, of a place in PostgreSQL's log or of a
// longer number. In metrics it could be a name or a label; what is measured may
// be any number.
var (
	words      = regexp.MustCompile(`[\w@.+-]+`)
	innocent   = regexp.MustCompile(`"duration":\d+|PID \d+|\d\d:\d\d:\d\d\.\d+|river_job_id=\d+|\b[0-9A-F]+/[0-9A-F]+\b`)
	sample     = regexp.MustCompile(`(?m)^(\w+(?:\{.*\})?) \S+$`)
	separators = ".@-+"
)

// finder returns what says of a word which secret it is.
func finder(secrets map[string]string) func(word string) string {
	return func(word string) string {
		if what := secrets[word]; what != "" {
			return what
		}
		return secrets[strings.Trim(word, separators)]
	}
}

// search tells the lines of a text in which a secret stands.
func search(where string, text []byte, find func(string) string) []string {
	found := map[string]bool{}
	lines := bufio.NewScanner(bytes.NewReader(text))
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		line := innocent.ReplaceAll(lines.Bytes(), nil)
		for _, word := range words.FindAll(line, -1) {
			if what := find(string(word)); what != "" {
				found[fmt.Sprintf("%s has %s: %.300s", where, what, line)] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(found))
}
