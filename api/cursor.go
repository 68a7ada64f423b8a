package api

import (
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// cursorVersion is the prefix of every cursor. Cursors of another version are
// refused.
const cursorVersion = "v1:"

// cursor encodes a position in a list as an opaque string for clients.
func cursor(position string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(cursorVersion + position))
}

// decodeCursor returns the position that a cursor encodes, or "" if it is invalid.
func decodeCursor(cursor string) string {
	text, err := base64.RawURLEncoding.DecodeString(cursor)
	position, ok := strings.CutPrefix(string(text), cursorVersion)
	if err != nil || !ok {
		return ""
	}
	return position
}

func invalidCursor() error {
	return refusal(http.StatusUnprocessableEntity, "validation failed",
		&huma.ErrorDetail{Location: "query.after", Message: "want the next of a page of this list, as it was given"})
}

// numberCursor returns the cursor of a list that is sorted by a number.
func numberCursor(n int64) string { return cursor(strconv.FormatInt(n, 10)) }

// Page is the part of an operation's input that selects a page of a list.
type Page struct {
	After string `query:"after" maxLength:"200" doc:"the value of next of the previous page; absent for the first page" example:"djE6NDI"`
	Limit int    `query:"limit" minimum:"1" maximum:"1000" default:"100" doc:"the maximum number of items on the page" example:"100"`
}

// afterNumber returns the number after which the page begins, in a list that is
// sorted by a number; 0 for the first page.
func (p Page) afterNumber() (int64, error) {
	if p.After == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(decodeCursor(p.After), 10, 64)
	if err != nil || n < 0 {
		return 0, invalidCursor()
	}
	return n, nil
}

// splitPage returns the first limit items of a list, and the cursor of the next
// page. The caller reads limit+1 items: the additional one means that there is a
// next page. Without it, next is "".
func splitPage[T any](list []T, limit int, cursorOf func(T) string) (page []T, next string) {
	if len(list) <= limit {
		return list, ""
	}
	return list[:limit], cursorOf(list[limit-1])
}
