package api

import (
	"encoding/base64"
	"net/http"
	"strings"
)

// cursorVersion begins every cursor: one of another version is refused, and not
// misread.
const cursorVersion = "v1:"

// cursor makes of a place in a list what a client is to give back as it is.
func cursor(place string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(cursorVersion + place))
}

// place reads a cursor; it is empty for what is none.
func place(cursor string) string {
	text, err := base64.RawURLEncoding.DecodeString(cursor)
	place, ok := strings.CutPrefix(string(text), cursorVersion)
	if err != nil || !ok {
		return ""
	}
	return place
}

func noCursor() error {
	return refusal(http.StatusUnprocessableEntity, "after is not the next of a page of this list")
}

// Page is the part of an input that goes through a list.
type Page struct {
	After string `query:"after" maxLength:"200" doc:"next of the page before; absent for the first" example:"djE6NDI"`
	Limit int    `query:"limit" minimum:"1" maximum:"1000" default:"100" doc:"how many at most" example:"100"`
}
