package templates

import (
	"fmt"
	"html"
	"html/template"
	"io/fs"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // people are told the time of Rome wherever the program runs

	"github.com/BurntSushi/toml"
	"github.com/nicksnyder/go-i18n/v2/i18n"
	"golang.org/x/text/language"
)

// Rome is the zone of the times that people are given.
var Rome = func() *time.Location {
	rome, err := time.LoadLocation("Europe/Rome")
	if err != nil {
		panic(err) // time/tzdata is embedded
	}
	return rome
}()

// locales are the languages, the original first.
var locales = []string{"it", "en"}

var matcher = language.NewMatcher([]language.Tag{language.Italian, language.English})

// words are the texts of one language.
type words struct {
	localizer *i18n.Localizer
	known     map[string]any // what every text may mention: the provider, the mailbox
}

func loadWords(fsys fs.FS, site Site) (map[string]words, error) {
	bundle := i18n.NewBundle(language.Italian)
	bundle.RegisterUnmarshalFunc("toml", toml.Unmarshal)
	all := make(map[string]words, len(locales))
	for _, locale := range locales {
		file := "locales/" + locale + ".toml"
		if _, err := bundle.LoadMessageFileFS(fsys, file); err != nil {
			return nil, fmt.Errorf("templates: %s: %w", file, err)
		}
		all[locale] = words{i18n.NewLocalizer(bundle, locale), map[string]any{
			"Provider":    site.Provider,
			"Service":     site.Service,
			"HelpContact": site.HelpContact,
			"MailSender":  site.MailSender,
			"CIE":         site.CIE,
			"ReviewDays":  site.ReviewDays,
		}}
	}
	return all, nil
}

// Locale is the best language for what is known of a visitor: each hint is a
// locale or an Accept-Language header, the most telling first.
func (t *Templates) Locale(wanted ...string) string {
	_, i := language.MatchStrings(matcher, wanted...)
	return locales[i]
}

// IsLocale reports whether there are texts in a language.
func IsLocale(locale string) bool { return slices.Contains(locales, locale) }

func (w words) with(name string, value any) words {
	w.known = maps.Clone(w.known)
	w.known[name] = value
	return w
}

// text fills in a message of the catalogue. A number named Left or Seconds chooses
// between singular and plural.
func (w words) text(id string, args map[string]any) (string, error) {
	data := maps.Clone(w.known)
	maps.Copy(data, args)
	config := i18n.LocalizeConfig{MessageID: id, TemplateData: data}
	for _, name := range []string{"Left", "Seconds"} {
		if n, ok := args[name]; ok {
			config.PluralCount = n
		}
	}
	s, err := w.localizer.Localize(&config)
	if err != nil && config.PluralCount != nil {
		config.PluralCount = nil // the number is there, but the text does not depend on it
		s, err = w.localizer.Localize(&config)
	}
	if err != nil {
		return "", err
	}
	if strings.Contains(s, "<no value>") {
		return "", fmt.Errorf("text %q lacks an argument: %s", id, s)
	}
	return s, nil
}

// T is a text: {{.T "id" "Name" value}}.
func (w words) T(id string, pairs ...any) (string, error) {
	args, err := pairsToMap(pairs)
	if err != nil {
		return "", err
	}
	return w.text(id, args)
}

// Strong is a text whose arguments and mailbox stand out.
func (w words) Strong(id string, pairs ...any) (template.HTML, error) {
	args, err := pairsToMap(pairs)
	if err != nil {
		return "", err
	}
	if m, ok := w.known["Mailbox"]; ok {
		args["Mailbox"] = m
	}
	// Two control characters hold the places of the tags, so that all the
	// rest, the arguments first of all, is escaped.
	for name, value := range args {
		args[name] = "\x02" + strings.Map(printable, fmt.Sprint(value)) + "\x03"
	}
	s, err := w.text(id, args)
	if err != nil {
		return "", err
	}
	s = strings.NewReplacer("\x02", "<strong>", "\x03", "</strong>").Replace(html.EscapeString(s))
	return template.HTML(s), nil
}

func printable(r rune) rune {
	if r == '\x02' || r == '\x03' {
		return -1
	}
	return r
}

// Breakable is an address for a narrow column, which breaks it where a reader
// would. In a sentence it would be broken although it fits the next line.
func (w words) Breakable(address string) template.HTML {
	return template.HTML(strings.NewReplacer("@", "@<wbr>", ".", ".<wbr>").Replace(html.EscapeString(address)))
}

// Date is "21 novembre 2026", or "1º novembre 2026".
func (w words) Date(t time.Time) (string, error) {
	months, err := w.T("months")
	if err != nil {
		return "", err
	}
	t = t.In(Rome)
	day := strconv.Itoa(t.Day())
	if t.Day() == 1 {
		if day, err = w.T("first_of_month"); err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("%s %s %d", day, strings.Fields(months)[t.Month()-1], t.Year()), nil
}

// DateTime is "21 novembre 2026, 14:05".
func (w words) DateTime(t time.Time) (string, error) {
	date, err := w.Date(t)
	return date + ", " + w.Clock(t), err
}

// Clock is "14:05".
func (w words) Clock(t time.Time) string {
	return t.In(Rome).Format("15:04")
}

// Method is how somebody was identified, in words: the level, and for SPID the
// provider, of which CIE has one.
func (w words) Method(level, provider string) (string, error) {
	name, err := w.LevelName(level)
	if err != nil || strings.HasPrefix(level, "CieL") {
		return name, err
	}
	return w.T("method_by", "Level", name, "Name", provider)
}

// LevelName puts the level of an identification in words.
func (w words) LevelName(level string) (string, error) {
	if n, ok := strings.CutPrefix(level, "SpidL"); ok {
		return w.T("level_spid", "Level", n)
	}
	if n, ok := strings.CutPrefix(level, "CieL"); ok {
		return w.T("level_cie", "Level", n)
	}
	return level, nil
}

// pairsToMap reads a template's "Name" value "Name" value…
func pairsToMap(pairs []any) (map[string]any, error) {
	m := make(map[string]any, len(pairs)/2)
	for i := 0; i < len(pairs); i += 2 {
		name, ok := pairs[i].(string)
		if !ok || i+1 == len(pairs) {
			return nil, fmt.Errorf("templates: arguments come as names and values, not %v", pairs)
		}
		m[name] = pairs[i+1]
	}
	return m, nil
}
