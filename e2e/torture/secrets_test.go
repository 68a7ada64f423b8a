package main

import "testing"

// A secret is found if it is a whole word. Other digits are not considered secrets.
func TestSecretsAreFound(t *testing.T) {
	t.Parallel()
	s := secrets{"736123": "a code", "Xk3-_pQ": "a cookie", "anna@pec.example": "a certified mailbox"}
	for text, want := range map[string]bool{
		`{"msg":"the code is 736123"}`:                 true,
		"nothing\nat all, and then\tXk3-_pQ;\n":        true,
		"a mail to <anna@pec.example>.":                true,
		"it ended with 736123.":                        true,
		"id 1736123, 7361234":                          false,
		`"time":"2026-11-22T03:16:44.736123Z"`:         false,
		`"duration":736123}`:                           false,
		"FATAL: PID 736123 ended":                      false,
		`{"msg":"736123 was taken","duration":736123}`: true,
		"joanna@pec.example":                           false,
	} {
		if found := s.search("the log", []byte(text)); (len(found) > 0) != want {
			t.Errorf("%q: %q", text, found)
		}
	}
}
