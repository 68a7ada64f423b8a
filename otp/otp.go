// Package otp implements the one-time code that a holder receives by e-mail and types.
//
//	otp.go       computes and checks codes, which are never stored
//	lifetime.go  how long a code is valid
//	limits.go    how many codes are sent and how many wrong codes are accepted
//
// The package has no state and reads no clock: callers pass the recorded times and the
// current time. Times are compared as instants, in any time zone.
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

// A Key is the server's secret, of 32 random bytes or more. It is sufficient to compute
// every code.
type Key []byte

// Code returns the six digits that belong to nonce, a random value stored for each
// code. It is the dynamic truncation of RFC 4226, section 5.3, of HMAC-SHA-256(key,
// nonce). The same nonce gives the same code, so that a repeated mail contains the same
// code.
func (k Key) Code(nonce []byte) string {
	mac := hmac.New(sha256.New, k)
	mac.Write(nonce)
	sum := mac.Sum(nil)
	at := sum[len(sum)-1] & 0xf
	n := binary.BigEndian.Uint32(sum[at:]) & 0x7fffffff
	return fmt.Sprintf("%06d", n%1_000_000)
}

// Check reports whether typed, as returned by Clean, is the code of nonce. Its running
// time does not depend on how many digits are right.
func (k Key) Check(nonce []byte, typed string) bool {
	return subtle.ConstantTimeCompare([]byte(k.Code(nonce)), []byte(typed)) == 1
}

// Clean returns the digits, of any script, in what was typed or pasted, as ASCII. Other
// characters are often copied with the code and are ignored. It returns false unless
// there are exactly six digits; such input is not an attempt.
func Clean(typed string) (code string, ok bool) {
	code = strings.Map(asciiDigit, typed)
	if len(code) != 6 {
		return "", false
	}
	return code, true
}

// asciiDigit returns the ASCII digit with the value of a decimal digit of any script,
// and -1 for another character. The decimal digits of a script are ten consecutive
// characters starting with zero (Unicode standard, section 4.6), and unicode.Nd
// contains whole groups of ten.
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
