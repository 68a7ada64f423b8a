package fiscal

import "strings"

// Contains reports whether a text, such as a name, contains something that looks like a
// fiscal code, valid or mistyped: 11 digits in a row, or 16 characters in the form of a
// person's code, with any characters around them. In the latter, at least three of the
// seven digit places must contain a digit, so that words do not match.
func Contains(text string) bool {
	s := Clean(text)
	run := 0 // of digits
	for i := range len(s) {
		if run++; s[i] < '0' || s[i] > '9' {
			run = 0
		}
		if run == digits && (i+1 == len(s) || s[i+1] < '0' || s[i+1] > '9') {
			return true
		}
		if i+len(shape) <= len(s) && hasShape(s[i:i+len(shape)]) {
			return true
		}
	}
	return false
}

// hasShape reports whether each of 16 bytes is allowed at its place, and at least three
// of them are digits.
func hasShape(s string) bool {
	found := 0
	for i := range len(shape) {
		if strings.IndexByte(classes[shape[i]], s[i]) < 0 {
			return false
		}
		if s[i] <= '9' {
			found++
		}
	}
	return found >= 3
}
