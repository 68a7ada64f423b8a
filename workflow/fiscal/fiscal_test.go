package fiscal_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"stella/workflow/fiscal"
)

var persons = []string{
	"NRENNA80A41H501T", "BNCLCU75C12F205G", "VRDSRA82E50L219E",
	"CNTPLA70H55A944H", "RSSMRA80A01H501U", "MRTMTT91D08F205J",
}

// provisional codes are valid for a person and for a company.
var provisional = []string{"12345678903", "90000000019"}

var companies = []string{"09876543217", "02468135799", "00743110157", "00488410010"}

// The tables of the decree, independent of the package's tables.
var (
	digits   = []int{6, 7, 9, 10, 12, 13, 14} // the places of digits, from 0
	letterOf = map[byte]byte{'0': 'L', '1': 'M', '2': 'N', '3': 'P', '4': 'Q', '5': 'R', '6': 'S', '7': 'T', '8': 'U', '9': 'V'}
	odd      = map[byte]int{
		'0': 1, '1': 0, '2': 5, '3': 7, '4': 9, '5': 13, '6': 15, '7': 17, '8': 19, '9': 21,
		'A': 1, 'B': 0, 'C': 5, 'D': 7, 'E': 9, 'F': 13, 'G': 15, 'H': 17, 'I': 19, 'J': 21,
		'K': 2, 'L': 4, 'M': 18, 'N': 20, 'O': 11, 'P': 3, 'Q': 6, 'R': 8, 'S': 12, 'T': 14,
		'U': 16, 'V': 10, 'W': 22, 'X': 25, 'Y': 24, 'Z': 23,
	}
	even = map[byte]int{
		'0': 0, '1': 1, '2': 2, '3': 3, '4': 4, '5': 5, '6': 6, '7': 7, '8': 8, '9': 9,
		'A': 0, 'B': 1, 'C': 2, 'D': 3, 'E': 4, 'F': 5, 'G': 6, 'H': 7, 'I': 8, 'J': 9,
		'K': 10, 'L': 11, 'M': 12, 'N': 13, 'O': 14, 'P': 15, 'Q': 16, 'R': 17, 'S': 18, 'T': 19,
		'U': 20, 'V': 21, 'W': 22, 'X': 23, 'Y': 24, 'Z': 25,
	}
)

// checked returns the first 15 characters with the check character from the tables.
func checked(s string) string {
	sum := 0
	for i := 0; i < 15; i += 2 {
		sum += odd[s[i]]
	}
	for i := 1; i < 15; i += 2 {
		sum += even[s[i]]
	}
	return s[:15] + "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[sum%26:][:1]
}

func TestKnownCodes(t *testing.T) {
	t.Parallel()
	for _, code := range persons {
		if checked(code) != code {
			t.Errorf("%s: want %s by the tables", code, checked(code))
		}
		if p, err := fiscal.ParsePerson(code); err != nil || string(p) != code {
			t.Errorf("%s: %q, %v", code, p, err)
		}
		c, err := fiscal.ParseCompany(code)
		if p, ok := c.Person(); err != nil || !ok || string(p) != code {
			t.Errorf("%s, a sole trader: %q, %v, %v", code, c, ok, err)
		}
	}
	for _, code := range companies {
		c, err := fiscal.ParseCompany(code)
		if err != nil || string(c) != code {
			t.Errorf("%s: %q, %v", code, c, err)
		}
		if _, ok := c.Person(); ok {
			t.Errorf("%s: is a person's code", code)
		}
	}
}

func TestParseNormalizes(t *testing.T) {
	t.Parallel()
	for _, s := range []string{
		"\u200bNRENNA80A41H501T\ufeff", "nrenna80a41h501t", " NRE NNA 80A41\tH501T\n",
		"TINIT-NRENNA80A41H501T", "tinit-nrenna80a41h501t", "NRENNA80A41\u00a0H501T",
	} {
		if p, err := fiscal.ParsePerson(s); p != "NRENNA80A41H501T" {
			t.Errorf("%q: %q, %v", s, p, err)
		}
		if c, err := fiscal.ParseCompany(s); c != "NRENNA80A41H501T" {
			t.Errorf("%q: %q, %v", s, c, err)
		}
	}
	for _, s := range []string{"IT09876543217", "it 098 765 432 17", "TINIT-09876543217", "VATIT-09876543217"} {
		if c, err := fiscal.ParseCompany(s); c != "09876543217" {
			t.Errorf("%q: %q, %v", s, c, err)
		}
	}
	if got := fiscal.Clean(" aB\tì ı "); got != "ABìı" {
		t.Errorf("Clean: %q", got)
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		s    string
		want error
	}{
		{"", fiscal.ErrEmpty},
		{" \t", fiscal.ErrEmpty},
		{"TINIT-", fiscal.ErrEmpty},
		{"NRENNA80A41H501", fiscal.ErrLength},
		{"NRENNA80A41H501TT", fiscal.ErrLength},
		{"TINIT-TINIT-NRENNA80A41H501T", fiscal.ErrLength},
		{"ITNRENNA80A41H501T", fiscal.ErrLength},
		{"NRENNA80A41H501\u0166", fiscal.ErrCharacter},
		{"NRENNÀ80A41H501T", fiscal.ErrCharacter},
		{"NREſNA80A41H501T", fiscal.ErrCharacter}, // whose capital is S
		{"NR3NNA80A41H501T", fiscal.ErrCharacter},
		{"NRENNA8AA41H501T", fiscal.ErrCharacter},         // A is not an omocodia letter
		{checked("NRENNA80F41H501"), fiscal.ErrCharacter}, // no such month
		{checked("NRENNA80A00H501"), fiscal.ErrCharacter}, // no such day
		{checked("NRENNA80A32H501"), fiscal.ErrCharacter}, // same
		{checked("NRENNA80A40H501"), fiscal.ErrCharacter}, // same
		{checked("NRENNA80A72H501"), fiscal.ErrCharacter}, // same
		{checked("NRENNA80A81H501"), fiscal.ErrCharacter}, // same
		{checked("NRENNA80AULH501"), fiscal.ErrCharacter}, // day 80, in omocodia letters
		{"NRENNA80A41H501S", fiscal.ErrCheck},
	} {
		if p, err := fiscal.ParsePerson(c.s); p != "" || !errors.Is(err, c.want) {
			t.Errorf("ParsePerson(%q) = %q, %v; want %v", c.s, p, err, c.want)
		} else if len(c.s) > 10 && strings.Contains(err.Error(), c.s[:6]) {
			t.Errorf("the error contains the code: %v", err)
		}
		if p, err := fiscal.ParseCompany(c.s); p != "" || !errors.Is(err, c.want) {
			t.Errorf("ParseCompany(%q) = %q, %v; want %v", c.s, p, err, c.want)
		}
	}
	for _, c := range []struct {
		s    string
		want error
	}{
		{"0987654321", fiscal.ErrLength},
		{"098765432170", fiscal.ErrLength},
		{"FR09876543217", fiscal.ErrLength},
		{"ITIT09876543217", fiscal.ErrLength},
		{"0987654321O", fiscal.ErrCharacter},
		{"0987654321٧", fiscal.ErrCharacter},
		{"00000000000", fiscal.ErrCharacter},
		{"IT00000000000", fiscal.ErrCharacter},
		{"09876543218", fiscal.ErrCheck},
	} {
		if p, err := fiscal.ParseCompany(c.s); p != "" || !errors.Is(err, c.want) {
			t.Errorf("ParseCompany(%q) = %q, %v; want %v", c.s, p, err, c.want)
		}
	}
	for _, c := range []struct {
		s    string
		want error
	}{
		{"1234567890", fiscal.ErrLength},
		{"123456789030", fiscal.ErrLength},
		{"IT12345678903", fiscal.ErrLength}, // a company's prefix
		{"VATIT-12345678903", fiscal.ErrLength},
		{"1234567890O", fiscal.ErrCharacter},
		{"00000000000", fiscal.ErrCharacter},
		{"12345678904", fiscal.ErrCheck},
	} {
		if p, err := fiscal.ParsePerson(c.s); p != "" || !errors.Is(err, c.want) {
			t.Errorf("ParsePerson(%q) = %q, %v; want %v", c.s, p, err, c.want)
		}
	}
}

func TestEveryDay(t *testing.T) {
	t.Parallel()
	for day := range 100 {
		code := checked("NRENNA80A" + string([]byte{'0' + byte(day/10), '0' + byte(day%10)}) + "H501")
		want := day >= 1 && day <= 31 || day >= 41 && day <= 71
		if _, err := fiscal.ParsePerson(code); (err == nil) != want {
			t.Errorf("day %d: %v", day, err)
		}
	}
}

// Eleven digits are a provisional code in a field for persons, and a company's code
// otherwise. A provisional code may belong to the same person as any code of 16
// characters.
func TestProvisionalCodes(t *testing.T) {
	t.Parallel()
	for _, code := range provisional {
		for _, s := range []string{code, "TINIT-" + code, " " + code[:3] + " " + code[3:] + "\n"} {
			if p, err := fiscal.ParsePerson(s); string(p) != code || err != nil {
				t.Errorf("%q: %q, %v", s, p, err)
			}
		}
		if c, err := fiscal.ParseCompany(code); err != nil {
			t.Errorf("%s, of a company: %v", code, err)
		} else if p, ok := c.Person(); ok {
			t.Errorf("%s, of a company, is the person %s", code, p)
		}
		for _, other := range persons {
			p, o := fiscal.Person(code), fiscal.Person(other)
			if !fiscal.MayBeSame(p, o) || !fiscal.MayBeSame(o, p) {
				t.Errorf("MayBeSame(%s, %s) = false", code, other)
			}
		}
	}
	if fiscal.MayBeSame(fiscal.Person(provisional[0]), fiscal.Person(provisional[0])) {
		t.Error("MayBeSame is true for equal codes")
	}
	if fiscal.MayBeSame(fiscal.Person(provisional[0]), fiscal.Person(provisional[1])) {
		t.Error("MayBeSame is true for two provisional codes")
	}
	for _, s := range []string{"", "A", "NRENNA80A41H501"} {
		if fiscal.MayBeSame(fiscal.Person(s), fiscal.Person(provisional[0])) {
			t.Errorf("MayBeSame is true for %q, which is not a code", s)
		}
	}
}

func TestContains(t *testing.T) {
	t.Parallel()
	for _, s := range []string{
		"NRENNA80A41H501T",
		"Luca Bianchi, VRDSRA82E50L219E Sara Verdi",
		"Luca Bianchi/VRDSRA82E50L219E",
		"Luca Bianchi|vrdsra82e50l219e|Sara Verdi",
		"Luca BianchiVRDSRA82E50L219ESara Verdi",
		"Luca Bianchi VRD SRA 82E50 L219E Sara Verdi",
		"Luca Bianchi - VRDSRA82E50L219X Sara Verdi", // mistyped
		"Luca Bianchi, VRDSRA82E50L2MVW Sara Verdi",  // letters for digits
		"Luca Bianchi, 12345678903",
		"Luca Bianchi 12345678900", // mistyped
		"P.IVA 01234567890",
	} {
		if !fiscal.Contains(s) {
			t.Errorf("Contains(%q) = false", s)
		}
	}
	for _, s := range []string{
		"", "Anna Neri", "Officine Bianchi S.r.l.", "Studio 2000 & C. s.n.c. di Neri Anna", "Hotel 3 Mari",
		"Precipitevolissimevolmente Gianluca Mantovani", "Cooperativa 25 Aprile 1945", "Via Roma 100, 20121 Milano",
		"Tel. 0123456789", "123456789012", "Consorzio n. 1234/2019 dei Comuni Montani", "12 345 67 89",
	} {
		if fiscal.Contains(s) {
			t.Errorf("Contains(%q) = true", s)
		}
	}
}

// The 127 other ways to write a code with letters for digits. All are valid, all are
// different, and all may be the same person's.
func TestOmocodia(t *testing.T) {
	t.Parallel()
	for _, code := range persons {
		family := []fiscal.Person{}
		for set := range 1 << len(digits) {
			b := []byte(code)
			for i, place := range digits {
				if set&(1<<i) != 0 {
					b[place] = letterOf[b[place]]
				}
			}
			variant := checked(string(b))
			p, err := fiscal.ParsePerson(variant)
			if err != nil || string(p) != variant {
				t.Fatalf("%s, written %s: %v", code, variant, err)
			}
			family = append(family, p)
		}
		for i, a := range family {
			for j, b := range family {
				if got := fiscal.MayBeSame(a, b); got != (i != j) {
					t.Fatalf("%s and %s: %v", a, b, got)
				}
			}
		}
		for _, other := range persons {
			if other != code && fiscal.MayBeSame(fiscal.Person(other), family[1]) {
				t.Errorf("MayBeSame(%s, %s) = true", other, family[1])
			}
		}
	}
	// A letter at the place of a letter is not an omocodia letter.
	if fiscal.MayBeSame(fiscal.Person(checked("LRENNA80A41H501")), fiscal.Person(checked("MRENNA80A41H501"))) {
		t.Error("MayBeSame is true for codes of two names")
	}
	if fiscal.MayBeSame("", "") || fiscal.MayBeSame("A", "B") {
		t.Error("MayBeSame is true for strings that are not codes")
	}
}

// No two characters that are allowed at a place have the same check value there, so one
// wrong character is always detected.
func TestOneWrongCharacterIsDetected(t *testing.T) {
	t.Parallel()
	for _, code := range persons {
		for i := range code {
			for c := byte('!'); c <= '~'; c++ {
				wrong := fiscal.Clean(code[:i] + string(c) + code[i+1:])
				if _, err := fiscal.ParsePerson(wrong); err == nil && wrong != code {
					t.Errorf("%s is accepted instead of %s", wrong, code)
				}
			}
		}
	}
	for _, code := range companies {
		for i := range code {
			for c := byte('0'); c <= '9'; c++ {
				wrong := code[:i] + string(c) + code[i+1:]
				if _, err := fiscal.ParseCompany(wrong); !errors.Is(err, fiscal.ErrCheck) && wrong != code {
					t.Errorf("%s instead of %s: error %v", wrong, code, err)
				}
			}
		}
	}
}

// For each first ten digits, exactly one check digit is valid.
func TestOneCheckDigitIsValid(t *testing.T) {
	t.Parallel()
	for _, start := range []string{"0000000001", "0987654321", "9999999999", "5050505050"} {
		valid := 0
		for c := byte('0'); c <= '9'; c++ {
			if _, err := fiscal.ParseCompany(start + string(c)); err == nil {
				valid++
			}
		}
		if valid != 1 {
			t.Errorf("%s: %d valid check digits, want 1", start, valid)
		}
	}
}

// Parsing a parsed code returns the same code.
func FuzzParse(f *testing.F) {
	other := []string{"", "IT", "TINIT-", "\xff", "ſſſſſſſſſſſſſſſſ", "NRENNAULAQMHRLMT"}
	for _, s := range slices.Concat(other, persons, companies, provisional) {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := fiscal.ParsePerson(s)
		if again, _ := fiscal.ParsePerson(string(p)); err == nil && (again != p || len(p) == 16 && checked(string(p)) != string(p)) {
			t.Errorf("%q is parsed as %q, and that as %q", s, p, again)
		}
		c, err := fiscal.ParseCompany(s)
		if again, _ := fiscal.ParseCompany(string(c)); err == nil && again != c {
			t.Errorf("%q is parsed as %q, and that as %q", s, c, again)
		}
		fiscal.MayBeSame(fiscal.Person(s), p)
	})
}
