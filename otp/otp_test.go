package otp_test

import (
	"crypto/sha1"
	"crypto/sha256"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"unicode"

	"pgregory.net/rapid"

	"stella/otp"
)

// reference computes a code directly from the definitions: HMAC of RFC 2104, and the
// truncation as the arithmetic that RFC 4226, section 5.3, describes.
func reference(hash func([]byte) []byte, key, message []byte) string {
	if len(key) > 64 {
		key = hash(key)
	}
	inner, outer := make([]byte, 64), make([]byte, 64)
	copy(inner, key)
	copy(outer, key)
	for i := range 64 {
		inner[i] ^= 0x36
		outer[i] ^= 0x5c
	}
	sum := hash(append(outer, hash(append(inner, message...))...))
	offset := int(sum[len(sum)-1]) % 16
	n := new(big.Int).SetBytes(sum[offset : offset+4])
	n.Mod(n, big.NewInt(1<<31))
	n.Mod(n, big.NewInt(1000000))
	return fmt.Sprintf("%06d", n)
}

func with1(b []byte) []byte   { s := sha1.Sum(b); return s[:] }
func with256(b []byte) []byte { s := sha256.Sum256(b); return s[:] }

// The reference returns the test values of RFC 4226, appendix D.
func TestReference(t *testing.T) {
	t.Parallel()
	for count, want := range []string{"755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"} {
		if got := reference(with1, []byte("12345678901234567890"), []byte{0, 0, 0, 0, 0, 0, 0, byte(count)}); got != want {
			t.Errorf("count %d: %s, want %s", count, got, want)
		}
	}
}

func TestCode(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		key := otp.Key(rapid.SliceOfN(rapid.Byte(), 32, 80).Draw(t, "key"))
		nonce := rapid.SliceOf(rapid.Byte()).Draw(t, "nonce")
		got, want := key.Code(nonce), reference(with256, key, nonce)
		if got != want {
			t.Fatalf("%s, want %s", got, want)
		}
		if !key.Check(nonce, got) {
			t.Fatalf("Check refuses the code %s", got)
		}
		other := rapid.StringMatching(`[0-9]{0,7}`).Draw(t, "other")
		if other != got && key.Check(nonce, other) {
			t.Fatalf("Check accepts %s instead of %s", other, got)
		}
	})
}

func TestCodesAreUniform(t *testing.T) {
	t.Parallel()
	const codes = 100_000
	key := otp.Key(strings.Repeat("k", 32))
	var count [6][10]int
	for i := range codes {
		for place, digit := range key.Code(fmt.Append(nil, i)) {
			count[place][digit-'0']++
		}
	}
	// Each of the 60 counts has mean 10000 and standard deviation 95.
	for place := range count {
		for digit, n := range count[place] {
			if n < codes/10-500 || n > codes/10+500 {
				t.Errorf("digit %d occurs %d times at place %d, want about %d", digit, n, place, codes/10)
			}
		}
	}
}

func TestClean(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ typed, want string }{
		{"012345", "012345"},
		{" 012 345 ", "012345"},
		{"012-345", "012345"},
		{"0 1 2 3 4 5\r\n", "012345"},
		{"012\u00a0345", "012345"},
		{"012–345", "012345"},
		{"", ""},
		{"01234", ""},
		{"0123456", ""},
		{"01234a", ""},
		{"+12345", ""},
		{"012.345", "012345"},
		{"012345.", "012345"},
		{"Codice: 012345", "012345"},
		{"Il tuo codice è «012345».\r\nVale 60 secondi", ""}, // eight digits
		{"\u200b012345\u200b", "012345"},
		{"\ufeff012\u2060345", "012345"},
		{"٠١٢٣٤٥", "012345"},
		{"०१२३४५", "012345"},
		{"０１２３４５", "012345"},
		{"𝟎𝟏𝟚𝟛𝟺𝟝", "012345"},
		{"01２３४५", "012345"},
		{"٠١٢", ""},           // six bytes
		{"012345²", "012345"}, // a superscript, not a digit
		{"①②③④⑤⑥", ""},
		{"012\xff", ""},
		{"012345\xff", "012345"},
	} {
		got, ok := otp.Clean(c.typed)
		if got != c.want || ok != (c.want != "") {
			t.Errorf("Clean(%q) = %q, %v; want %q", c.typed, got, ok, c.want)
		}
	}
}

// Every decimal digit of Unicode is read as its value.
func TestDigitsOfEveryScript(t *testing.T) {
	t.Parallel()
	scripts := 0
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if !unicode.Is(unicode.Nd, r) {
			continue
		}
		for i := range rune(10) {
			if !unicode.Is(unicode.Nd, r+i) {
				t.Fatalf("%U is not followed by nine more digits", r)
			}
			want := string('0' + i)
			if got, ok := otp.Clean("12345" + string(r+i)); !ok || got != "12345"+want {
				t.Errorf("%c is parsed as %q, want %s", r+i, got, want)
			}
		}
		r += 9
		scripts++
	}
	if scripts < 60 {
		t.Errorf("%d scripts, want at least 60", scripts)
	}
}
