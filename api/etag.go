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

// The ETag of a mailbox's status with its record has two parts, separated by a
// point: the version of the record, and a digest of the response. The ETag of a
// record has only the first part, and the ETag of a status without its record only
// the second. If-Match of a write compares only the first part, so that a step of
// the holder does not make the write fail.

// statusTag returns the ETag of a mailbox's status. record is nil if the client may
// not read it.
func statusTag(answer []byte, record *workflow.Record) string {
	sum := sha256.Sum256(answer)
	version := base64.RawURLEncoding.EncodeToString(sum[:9])
	if record != nil {
		version = recordVersion(record) + "." + version
	}
	return `"` + version + `"`
}

// recordTag returns the ETag of a record.
func recordTag(r *workflow.Record) string { return `"` + recordVersion(r) + `"` }

func recordVersion(r *workflow.Record) string { return r.ID.String() }

// matchesTag reports whether an If-None-Match or If-Match header contains the ETag.
// It ignores the prefix W/, which proxies add if they compress a response.
func matchesTag(header, etag string) bool {
	for tag := range splitTags(header) {
		if tag == "*" || tag == etag {
			return true
		}
	}
	return false
}

// splitTags returns the ETags of a header, without the prefix W/.
func splitTags(header string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for tag := range strings.SplitSeq(header, ",") {
			if !yield(strings.TrimPrefix(strings.TrimSpace(tag), "W/")) {
				return
			}
		}
	}
}

// Conditions is the part of a write's input with its preconditions.
type Conditions struct {
	IfMatch     string `header:"If-Match" maxLength:"1000" doc:"write only if the record still has this ETag; * if the mailbox must exist" example:"\"019aa5b0-90f4-7b0a-a4a5-3cf9f6cc1f20\""`
	IfNoneMatch string `header:"If-None-Match" enum:"*" doc:"write only if the mailbox does not exist yet" example:"*"`
}

// check returns status 412 if the conditions do not allow the write. current is nil
// if the mailbox does not exist.
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
	for tag := range splitTags(c.IfMatch) {
		version, _, _ := strings.Cut(strings.Trim(tag, `"`), ".")
		if tag == "*" || version == recordVersion(r) {
			return true
		}
	}
	return false
}
