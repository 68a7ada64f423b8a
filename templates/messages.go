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
	_ "time/tzdata" // for Rome, on systems without a time zone database

	"github.com/BurntSushi/toml"
	"github.com/nicksnyder/go-i18n/v2/i18n"
	"golang.org/x/text/language"
)

// Rome is the time zone of all times in pages and mails.
var Rome = func() *time.Location {
	rome, err := time.LoadLocation("Europe/Rome")
	if err != nil {
		panic(err) // time/tzdata is embedded
	}
	return rome
}()

// locales lists the languages. The first is the default.
var locales = []string{"it", "en"}

var matcher = language.NewMatcher([]language.Tag{language.Italian, language.English})

// messages has the texts of one language. Its methods can be called in templates.
type messages struct {
	localizer *i18n.Localizer
	common    map[string]any // arguments that all texts can use, for example Provider and Mailbox
}

func loadMessages(fsys fs.FS, site Site) (map[string]messages, error) {
	bundle := i18n.NewBundle(language.Italian)
	bundle.RegisterUnmarshalFunc("toml", toml.Unmarshal)
	all := make(map[string]messages, len(locales))
	for _, locale := range locales {
		file := "locales/" + locale + ".toml"
		if _, err := bundle.LoadMessageFileFS(fsys, file); err != nil {
			return nil, fmt.Errorf("templates: %s: %w", file, err)
		}
		all[locale] = messages{i18n.NewLocalizer(bundle, locale), map[string]any{
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

// Locale returns the language that matches wanted best. Each element is a locale or
// an Accept-Language header; earlier ones have precedence. Empty ones are ignored.
func (t *Templates) Locale(wanted ...string) string {
	_, i := language.MatchStrings(matcher, wanted...)
	return locales[i]
}

// IsLocale reports whether there are texts in a language.
func IsLocale(locale string) bool { return slices.Contains(locales, locale) }

func (w messages) forMailbox(mailbox string) messages {
	w.common = maps.Clone(w.common)
	w.common["Mailbox"] = mailbox
	return w
}

// text returns a message with its arguments. A number named Left or Seconds selects
// the singular or the plural.
func (w messages) text(id string, args map[string]any) (string, error) {
	data := w.common
	if len(args) > 0 {
		data = maps.Clone(data)
		maps.Copy(data, args)
	}
	config := i18n.LocalizeConfig{MessageID: id, TemplateData: data}
	for _, name := range []string{"Left", "Seconds"} {
		if n, ok := args[name]; ok {
			config.PluralCount = n
		}
	}
	s, err := w.localizer.Localize(&config)
	if err != nil && config.PluralCount != nil {
		config.PluralCount = nil // the message has no plural form
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

// T returns a message. In a template: {{.T "id" "Name" value}}.
func (w messages) T(id string, pairs ...any) (string, error) {
	args, err := pairsToMap(pairs)
	if err != nil {
		return "", err
	}
	return w.text(id, args)
}

// Strong returns a message as HTML, in which the arguments and the mailbox are bold.
func (w messages) Strong(id string, pairs ...any) (template.HTML, error) {
	args, err := pairsToMap(pairs)
	if err != nil {
		return "", err
	}
	if m, ok := w.common["Mailbox"]; ok {
		args["Mailbox"] = m
	}
	// Two control characters mark the place of the tags while everything else,
	// including the arguments, is escaped.
	for name, value := range args {
		args[name] = "\x02" + strings.Map(printable, fmt.Sprint(value)) + "\x03"
	}
	s, err := w.text(id, args)
	if err != nil {
		return "", err
	}
	return template.HTML(boldMarks.Replace(html.EscapeString(s))), nil
}

var boldMarks = strings.NewReplacer("\x02", "<strong>", "\x03", "</strong>")

func printable(r rune) rune {
	if r == '\x02' || r == '\x03' {
		return -1
	}
	return r
}

// Breakable returns an address as HTML that can break after each @ and each dot,
// for narrow columns. In a sentence, browsers would break it although it fits
// on the next line.
func (w messages) Breakable(address string) template.HTML {
	return template.HTML(breaks.Replace(html.EscapeString(address)))
}

var breaks = strings.NewReplacer("@", "@<wbr>", ".", ".<wbr>")

// Date returns a date in Rome, for example "21 novembre 2026" or "1º novembre 2026".
func (w messages) Date(t time.Time) (string, error) {
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

// DateTime returns a time in Rome, for example "21 novembre 2026, 14:05".
func (w messages) DateTime(t time.Time) (string, error) {
	date, err := w.Date(t)
	return date + ", " + w.Clock(t), err
}

// Clock returns a time in Rome, for example "14:05".
func (w messages) Clock(t time.Time) string {
	return t.In(Rome).Format("15:04")
}

// Method returns how a person was identified, for example "SPID, livello 2, con
// Poste ID". For CIE it leaves the provider out, since CIE has only one.
func (w messages) Method(level, provider string) (string, error) {
	name, err := w.LevelName(level)
	if err != nil || strings.HasPrefix(level, "CieL") {
		return name, err
	}
	return w.T("method_by", "Level", name, "Name", provider)
}

// LevelName returns the level of a login in words: "SPID, livello 2" for "SpidL2".
func (w messages) LevelName(level string) (string, error) {
	if n, ok := strings.CutPrefix(level, "SpidL"); ok {
		return w.T("level_spid", "Level", n)
	}
	if n, ok := strings.CutPrefix(level, "CieL"); ok {
		return w.T("level_cie", "Level", n)
	}
	return level, nil
}

// pairsToMap converts the arguments "Name" value "Name" value … of a template.
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
