package api

import (
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// cursorVersion begins every cursor: one of another version is refused, and not
// misread.
const cursorVersion = "v1:"

// cursor makes of a place in a list what a client is to give back as it is.
func cursor(place string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(cursorVersion + place))
}

// place reads a cursor; it is empty for what is no cursor of ours.
func place(cursor string) string {
	text, err := base64.RawURLEncoding.DecodeString(cursor)
	place, ok := strings.CutPrefix(string(text), cursorVersion)
	if err != nil || !ok {
		return ""
	}
	return place
}

func noCursor() error {
	return refusal(http.StatusUnprocessableEntity, "validation failed",
		&huma.ErrorDetail{Location: "query.after", Message: "want the next of a page of this list, as it was given"})
}

// numberCursor is a cursor of a list that goes by numbers.
func numberCursor(n int64) string { return cursor(strconv.FormatInt(n, 10)) }

// Page is the part of an input that goes through a list.
type Page struct {
	After string `query:"after" maxLength:"200" doc:"next of the page before; absent for the first" example:"djE6NDI"`
	Limit int    `query:"limit" minimum:"1" maximum:"1000" default:"100" doc:"how many at most" example:"100"`
}

// number is where the page begins in a list that goes by numbers; 0 for its
// beginning.
func (p Page) number() (int64, error) {
	if p.After == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(place(p.After), 10, 64)
	if err != nil || n < 0 {
		return 0, noCursor()
	}
	return n, nil
}

// cut parts a page from a list of which one more was read than it may hold:
// that one tells that another page follows, whose cursor is next.
func cut[T any](list []T, limit int, cursorOf func(T) string) (page []T, next string) {
	if len(list) <= limit {
		return list, ""
	}
	return list[:limit], cursorOf(list[limit-1])
}
