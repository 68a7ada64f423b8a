package fiscal

import "strings"

// Contains reports whether a text, such as a name, holds something that reads as
// a fiscal code, right or mistyped: eleven digits in a row, or sixteen characters
// in the form of a person's code, whatever stands before and after them. So that
// words are not taken for one, three of its seven digits must be digits.
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
		if i+len(shape) <= len(s) && shaped(s[i:i+len(shape)]) {
			return true
		}
	}
	return false
}

// shaped reports whether each of sixteen bytes can stand where it does, and three
// of them are digits.
func shaped(s string) bool {
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
