package templates

import (
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/BurntSushi/toml"
	"github.com/nicksnyder/go-i18n/v2/i18n"
	"golang.org/x/text/language"
)

// handlerMessages lists the messages that handlers of package web use.
var handlerMessages = strings.Fields(`
error_role_missing
error_email_missing error_email_malformed error_email_accent error_email_sign error_email_is_mailbox error_email_is_pec
error_contacts_limit
error_invitation_limit
error_kind_missing error_kind_differs_company error_kind_differs_person
error_company_name_short error_company_name_long
error_company_code_missing error_company_code_length error_company_code_check error_company_code_differs
error_phone_malformed error_phone_not_mobile
error_code_missing error_code_malformed error_code_wrong error_code_expired error_code_replaced
error_code_not_sent error_code_paused
error_resend_wait error_resend_limit
error_limit error_codes_per_address error_invitations_per_address
notice_moved_on notice_changed notice_saved notice_code_sent notice_invited notice_withdrawn
notice_contract_changed notice_lapsed notice_left notice_left_finished notice_left_invited
`)

// catalogue reads the messages of a language without the i18n library.
func catalogue(t *testing.T, locale string) map[string]any {
	t.Helper()
	content, err := files.ReadFile("locales/" + locale + ".toml")
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]any
	if err := toml.Unmarshal(content, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

func TestCatalogues(t *testing.T) {
	t.Parallel()
	it := slices.Sorted(maps.Keys(catalogue(t, "it")))
	en := slices.Sorted(maps.Keys(catalogue(t, "en")))
	for _, key := range it {
		if !slices.Contains(en, key) {
			t.Errorf("en.toml lacks %s", key)
		}
	}
	for _, key := range en {
		if !slices.Contains(it, key) {
			t.Errorf("it.toml lacks %s", key)
		}
	}
	// The library reserves some keys, and silently drops messages that use them:
	// check that it loaded all messages of the file.
	bundle := i18n.NewBundle(language.Italian)
	bundle.RegisterUnmarshalFunc("toml", toml.Unmarshal)
	for _, locale := range locales {
		file, err := bundle.LoadMessageFileFS(files, "locales/"+locale+".toml")
		if err != nil {
			t.Fatal(err)
		}
		var loaded []string
		for _, m := range file.Messages {
			loaded = append(loaded, m.ID)
		}
		slices.Sort(loaded)
		if !slices.Equal(loaded, it) {
			t.Errorf("%s: the library loaded\n%v\nand the file contains\n%v", locale, loaded, it)
		}
	}
}

// TestPlaceholders checks that both translations use the same arguments.
func TestPlaceholders(t *testing.T) {
	t.Parallel()
	it, en := catalogue(t, "it"), catalogue(t, "en")
	placeholder := regexp.MustCompile(`\{\{(if )?\.\w+\}\}|\{s\}`)
	for key, text := range it {
		original, ok := text.(string)
		translated, _ := en[key].(string)
		if !ok {
			continue // a message with a plural, which TestText checks
		}
		a, b := placeholder.FindAllString(original, -1), placeholder.FindAllString(translated, -1)
		slices.Sort(a)
		slices.Sort(b)
		if !slices.Equal(slices.Compact(a), slices.Compact(b)) {
			t.Errorf("%s: %v in Italian, %v in English", key, a, b)
		}
	}
}

// TestEveryMessageIsUsed compares the messages with the IDs in the templates and
// with the lists of the IDs that Go code uses.
func TestEveryMessageIsUsed(t *testing.T) {
	t.Parallel()
	inTemplate := regexp.MustCompile(`\.(?:T|Strong|Linked|Fact|Naming|Pictured) "([^"]+)"`)
	picture := regexp.MustCompile(`\.Pictured "[^"]+" "\d+-([^"]+)"`)
	used := map[string]bool{}
	for _, id := range handlerMessages {
		used[id] = true
	}
	err := fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := files.ReadFile(name)
		for _, m := range inTemplate.FindAllStringSubmatch(string(content), -1) {
			used[m[1]] = true
		}
		for _, m := range picture.FindAllStringSubmatch(string(content), -1) {
			used["guide_picture_"+strings.ReplaceAll(m[1], "-", "_")] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range strings.Fields(`
		months first_of_month contract_file mail_zoned mail_invitation_button step_names fault_prefix level_spid level_cie
		method_by failure_elsewhere failure_technical failure_prefetch failure_suspended
		purpose_p purpose_pf purpose_pg purpose_lp purpose_px`) { // view.go, messages.go, mail_data.go, notice.go
		used[id] = true
	}
	it := catalogue(t, "it")
	for id := range used {
		if _, ok := it[id]; !ok {
			t.Errorf("message %q is used but does not exist", id)
		}
	}
	for id := range it {
		if !used[id] {
			t.Errorf("message %q is never used", id)
		}
	}
}

func TestText(t *testing.T) {
	t.Parallel()
	all := newTemplates(t)
	tests := []struct {
		locale, id string
		args       map[string]any
		want       string
	}{
		{"it", "error_role_missing", nil, "Scegli una delle due opzioni"},
		{"en", "error_role_missing", nil, "Choose one of the two options"},
		{"it", "error_code_wrong", map[string]any{"Left": 1}, "Il codice non è corretto. Hai ancora un tentativo"},
		{"it", "error_code_wrong", map[string]any{"Left": 4}, "Il codice non è corretto. Hai ancora 4 tentativi"},
		{"en", "error_code_wrong", map[string]any{"Left": 1}, "The code is not correct. You have one try left"},
		{"en", "error_resend_wait", map[string]any{"Seconds": 12}, "You can ask for another code in 12 seconds"},
		{"it", "error_resend_wait", map[string]any{"Seconds": 1}, "Puoi chiedere un altro codice tra un secondo"},
		{"it", "error_code_paused", map[string]any{"Until": "14:20"}, "Sono stati inseriti troppi codici sbagliati. Riprova dopo le 14:20"},
		{"it", "error_code_expired", map[string]any{"Left": 1}, "Il codice è scaduto. Seleziona Invia di nuovo per riceverne un altro"},
		{"it", "rejected_title", nil, "La tua richiesta di qualifica della PEC Esempio non è andata a buon fine: riprova"},
	}
	for _, test := range tests {
		if got := messageText(t, all, test.locale, test.id, test.args); got != test.want {
			t.Errorf("%s %s: %q, want %q", test.locale, test.id, got, test.want)
		}
	}
	for _, id := range handlerMessages {
		for _, locale := range locales {
			args := map[string]any{"Until": "14:20", "Left": 2, "Seconds": 3, "Minutes": 14}
			if got := messageText(t, all, locale, id, args); got == "" || strings.Contains(got, "{{") {
				t.Errorf("%s %s: %q", locale, id, got)
			}
		}
	}
}

// messageText returns a message with its arguments.
func messageText(t *testing.T, all *Templates, locale, id string, args map[string]any) string {
	t.Helper()
	s, err := all.messages[locale].text(id, args)
	if err != nil {
		t.Error(err)
	}
	return s
}

func TestLocale(t *testing.T) {
	t.Parallel()
	all := newTemplates(t)
	tests := []struct {
		wanted []string
		want   string
	}{
		{nil, "it"},
		{[]string{""}, "it"},
		{[]string{"en"}, "en"},
		{[]string{"it", "en-GB,en;q=0.9"}, "it"},
		{[]string{"", "en-GB,en;q=0.9,it;q=0.8"}, "en"},
		{[]string{"it-IT,it;q=0.9,en-US;q=0.8"}, "it"},
		{[]string{"fr"}, "it"},
		{[]string{"fr", "en"}, "en"},
		{[]string{"de-DE,de;q=0.9,en;q=0.5"}, "en"},
		{[]string{"nonsense;;q=x", "*"}, "it"},
	}
	for _, test := range tests {
		if got := all.Locale(test.wanted...); got != test.want {
			t.Errorf("Locale(%q) = %q, want %q", test.wanted, got, test.want)
		}
	}
}

func TestDates(t *testing.T) {
	t.Parallel()
	all := newTemplates(t)
	summer := time.Date(2026, 8, 31, 22, 5, 0, 0, time.UTC) // already September in Rome
	for locale, want := range map[string]string{"it": "1º settembre 2026, 00:05", "en": "1 September 2026, 00:05"} {
		if got, err := all.messages[locale].DateTime(summer); got != want || err != nil {
			t.Errorf("%s: %q, %v, want %q", locale, got, err, want)
		}
	}
}

// A long address breaks after @ and dots, and is escaped.
func TestBreakable(t *testing.T) {
	t.Parallel()
	w := messages{common: map[string]any{}}
	if got := w.Breakable("o'neri.<b>@pec.example"); got != "o&#39;neri.<wbr>&lt;b&gt;@<wbr>pec.<wbr>example" {
		t.Errorf("got %s", got)
	}
}
