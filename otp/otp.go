// Package otp is the one-time code a holder receives by e-mail and types.
//
//	otp.go       the code: computed, checked, never stored
//	lifetime.go  how long it is good
//	limits.go    how many are sent and how many wrong ones are taken
//
// It keeps nothing and reads no clock: callers bring what they have recorded
// and the time. All times are compared as instants, whatever their zone.
package otp

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"fmt"
	"strings"
	"unicode"
)

// A Key is the server's secret, of 32 random bytes or more. Who has it can
// compute every code.
type Key []byte

// Code returns the six digits that belong to nonce, a random value recorded
// for each code: the dynamic truncation of RFC 4226, section 5.3, applied to
// HMAC-SHA-256(key, nonce). The same nonce gives the same code, so that a mail
// sent again repeats it.
func (k Key) Code(nonce []byte) string {
	mac := hmac.New(sha256.New, k)
	mac.Write(nonce)
	sum := mac.Sum(nil)
	at := sum[len(sum)-1] & 0xf
	n := binary.BigEndian.Uint32(sum[at:]) & 0x7fffffff
	return fmt.Sprintf("%06d", n%1_000_000)
}

// Check reports whether typed, as Clean returns it, is the code that belongs
// to nonce. The time it takes does not tell how much of it is right.
func (k Key) Check(nonce []byte, typed string) bool {
	return subtle.ConstantTimeCompare([]byte(k.Code(nonce)), []byte(typed)) == 1
}

// Clean returns the digits of what was typed or pasted, in whatever script, as
// ASCII: what stands around and between them comes along with a copied text. It
// reports false unless there are exactly six: then nothing was tried that could
// be right or wrong.
func Clean(typed string) (code string, ok bool) {
	code = strings.Map(asciiDigit, typed)
	if len(code) != 6 {
		return "", false
	}
	return code, true
}

// asciiDigit returns the ASCII digit of the same value as a decimal digit of any
// script, and -1 for another character. The decimal digits of a script are ten in
// a row, from zero (Unicode standard, section 4.6), and unicode.Nd has whole tens.
func asciiDigit(r rune) rune {
	for _, tens := range unicode.Nd.R16 {
		if rune(tens.Lo) <= r && r <= rune(tens.Hi) {
			return '0' + (r-rune(tens.Lo))%10
		}
	}
	for _, tens := range unicode.Nd.R32 {
		if rune(tens.Lo) <= r && r <= rune(tens.Hi) {
			return '0' + (r-rune(tens.Lo))%10
		}
	}
	return -1
}
