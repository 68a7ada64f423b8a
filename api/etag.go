package api

import (
	"crypto/sha256"
	"encoding/base64"
	"iter"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"stella/workflow"
)

// An ETag of a mailbox is the version of its record, a point, and the version
// of all that was answered; that of a record alone, or of what may be known
// without it, has but one of these. Writes are for a record, whatever step the
// holder makes meanwhile: only the first part counts there.

// statusTag is the ETag of what is answered of a mailbox; record is nil where
// that is kept from the client.
func statusTag(answer []byte, record *workflow.Record) string {
	sum := sha256.Sum256(answer)
	version := base64.RawURLEncoding.EncodeToString(sum[:9])
	if record != nil {
		version = recordVersion(record) + "." + version
	}
	return `"` + version + `"`
}

// recordTag is the ETag of a record.
func recordTag(r *workflow.Record) string { return `"` + recordVersion(r) + `"` }

func recordVersion(r *workflow.Record) string { return r.ID.String() }

// known reports whether an If-None-Match or If-Match names the tag, which proxies
// that compress may have weakened.
func known(header, etag string) bool {
	for tag := range tags(header) {
		if tag == "*" || tag == etag {
			return true
		}
	}
	return false
}

func tags(header string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for tag := range strings.SplitSeq(header, ",") {
			if !yield(strings.TrimPrefix(strings.TrimSpace(tag), "W/")) {
				return
			}
		}
	}
}

// Conditions are the part of a write's input that says on what it depends.
type Conditions struct {
	IfMatch     string `header:"If-Match" maxLength:"1000" doc:"write only while the record is the one that this ETag came with; * for any that is there" example:"\"019aa5b0-90f4-7b0a-a4a5-3cf9f6cc1f20\""`
	IfNoneMatch string `header:"If-None-Match" enum:"*" doc:"write only where there is no such mailbox yet" example:"*"`
}

// check refuses to write a mailbox that the conditions do not allow; current is nil
// where there is no such mailbox.
func (c Conditions) check(current *workflow.Mailbox) error {
	switch {
	case c.IfNoneMatch != "" && current != nil:
		return refusal(http.StatusPreconditionFailed, "the mailbox is there already")
	case c.IfMatch != "" && current == nil:
		return refusal(http.StatusPreconditionFailed, "there is no such mailbox any more")
	case c.IfMatch != "" && !c.matches(&current.Record):
		return huma.ErrorWithHeaders(refusal(http.StatusPreconditionFailed, "the record was changed since"),
			http.Header{"ETag": {recordTag(&current.Record)}})
	}
	return nil
}

func (c Conditions) matches(r *workflow.Record) bool {
	for tag := range tags(c.IfMatch) {
		version, _, _ := strings.Cut(strings.Trim(tag, `"`), ".")
		if tag == "*" || version == recordVersion(r) {
			return true
		}
	}
	return false
}
