package templates

import "strings"

// steps gives the pages of the procedure their place in the five steps shown
// at the top. The fork between company and citizen stays inside the second,
// so that the number never changes under the reader.
var steps = map[string]int{
	"holder_choice":     1,
	"introduction":      1,
	"holder_invitation": 1,
	"invited":           1,
	"invitation":        1,
	"holder_kind":       2,
	"company_data":      2,
	"contact_data":      2,
	"summary":           2,
	"edit_holder":       2,
	"identification":    3,
	"methods":           3,
	"providers":         3,
	"login_post":        3,
	"at_provider":       3,
	"login_failed":      3,
	"identified":        3,
	"contract":          4,
	"code":              5,
}

// view is what a page's template sees as its dot.
type view struct {
	Page
	words
	Site Site
	Step int // zero outside the five
}

// IdleMinutes is IdleSeconds, for people.
func (v view) IdleMinutes() int { return v.Page.IdleSeconds / 60 }

// step is one mark of the step indicator.
type step struct {
	Name string
	Done bool
	Now  bool
}

// Steps lists the five steps for the indicator.
func (v view) Steps() ([]step, error) {
	names, err := v.T("step_names")
	if err != nil {
		return nil, err
	}
	var list []step
	for i, name := range strings.Split(names, "|") {
		list = append(list, step{name, i+1 < v.Step, i+1 == v.Step})
	}
	return list, nil
}

// StepName is the name of the page's own step.
func (v view) StepName() (string, error) {
	list, err := v.Steps()
	if err != nil {
		return "", err
	}
	return list[v.Step-1].Name, nil
}

// LanguageParameter is the query parameter by which a page is asked for in a
// language.
const LanguageParameter = "lingua"

// languageLink leads to the same page in another language.
type languageLink struct{ Locale, Name, URL string }

// Languages are the languages that the page can be shown in instead.
func (v view) Languages() []languageLink {
	var all []languageLink
	for _, l := range locales {
		if l != v.Locale {
			all = append(all, languageLink{l, languageNames[l], v.Path + "?" + LanguageParameter + "=" + l})
		}
	}
	return all
}

// languageNames are as the speakers of each language have them.
var languageNames = map[string]string{"it": "Italiano", "en": "English"}

// Purpose is, in words, the identity that a company's login asks for; empty for
// a person's own.
func (v view) Purpose(purpose string) (string, error) {
	if purpose == "" {
		return "", nil
	}
	return v.T("purpose_" + strings.ToLower(purpose))
}

// CodeName is what the reference to a failed login begins with: a SPID anomaly as
// it is, and a word for the others.
func (v view) CodeName(code string) (string, error) {
	if strings.HasPrefix(code, "nr") {
		return code, nil
	}
	return v.T("failure_" + code)
}

// Explain is the sentence of a fault of the input.
func (v view) Explain(e FieldError) (string, error) {
	return v.text(e.Message, e.Args)
}

// Fault is the sentence of the first fault of a field, empty when it has none.
func (v view) Fault(field string) (string, error) {
	for _, e := range v.Errors {
		if e.Field == field {
			return v.Explain(e)
		}
	}
	return "", nil
}

// Field gathers what the "field" template draws: label, hint and attributes
// from the page, value and fault from the handler.
func (v view) Field(name string, pairs ...string) (map[string]string, error) {
	fault, err := v.Fault(name)
	if err != nil {
		return nil, err
	}
	f := map[string]string{"name": name, "value": v.Values[name], "fault": fault, "type": "text"}
	for i := 0; i+1 < len(pairs); i += 2 {
		f[pairs[i]] = pairs[i+1]
	}
	var ids []string
	if f["hint"] != "" {
		ids = append(ids, name+"-hint")
	}
	if fault != "" {
		ids = append(ids, name+"-fault")
		if f["faultprefix"], err = v.T("fault_prefix"); err != nil {
			return nil, err
		}
	}
	f["describedby"] = strings.Join(ids, " ")
	return f, nil
}

// option is one radio button.
type option struct {
	ID, Name, Value, Label, Hint string
	Checked, Wrong               bool
}

// DescribedBy lists the ids of the group's fault and of the option's own hint.
func (o option) DescribedBy() string {
	var ids []string
	if o.Wrong {
		ids = append(ids, o.Name+"-fault")
	}
	if o.Hint != "" {
		ids = append(ids, o.ID+"-hint")
	}
	return strings.Join(ids, " ")
}

// Option gathers what the "option" template draws. The first of a group has
// the group's name as its id: that is where the error summary leads.
func (v view) Option(name, value string, first bool, label string, hint ...string) option {
	o := option{ID: name, Name: name, Value: value, Label: label, Checked: v.Values[name] == value}
	if !first {
		o.ID = name + "-" + value
	}
	if len(hint) > 0 {
		o.Hint = hint[0]
	}
	for _, e := range v.Errors {
		o.Wrong = o.Wrong || e.Field == name
	}
	return o
}
