package templates

import (
	"html/template"
	"strings"
)

// steps maps the pages of the procedure to the five steps shown at the top. The
// pages that differ between companies and citizens all belong to step 2, so that
// the number of steps is the same for everyone.
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

// view is the data of a page's template. Its methods can be called in templates.
type view struct {
	Page
	messages
	Site  Site
	Step  int // 1 to 5; 0 if the page belongs to no step
	Frame frame

	// The fields of Page that the pages use most. text/template finds those of an
	// embedded struct slowly.
	Locale      string
	Form        Form
	IdleSeconds int
	Errors      []FieldError
	Data        any
}

// frame has the parts around a page that depend only on the language and the step.
type frame struct {
	Progress template.HTML // the step indicator; empty if the page belongs to no step
	Footer   template.HTML
}

// IdleMinutes returns IdleSeconds in minutes.
func (v *view) IdleMinutes() int { return v.Page.IdleSeconds / 60 }

// step is one item of the step indicator.
type step struct {
	Name string
	Done bool
	Now  bool
}

// Steps returns the five steps of the indicator.
func (v *view) Steps() ([]step, error) {
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

// StepName returns the name of the page's step. The page must have one.
func (v *view) StepName() (string, error) {
	list, err := v.Steps()
	if err != nil {
		return "", err
	}
	return list[v.Step-1].Name, nil
}

// LanguageParameter is the query parameter that selects a page's language, for
// example ?lingua=en.
const LanguageParameter = "lingua"

// languageLink is a link to the same page in another language.
type languageLink struct{ Locale, Name, URL string }

// Languages returns links to the page in the other languages.
func (v *view) Languages() []languageLink {
	var all []languageLink
	for _, l := range locales {
		if l != v.Locale {
			all = append(all, languageLink{l, languageNames[l], v.Path + "?" + LanguageParameter + "=" + l})
		}
	}
	return all
}

// languageNames has the name of each language in that language.
var languageNames = map[string]string{"it": "Italiano", "en": "English"}

// Purpose returns the text for the purpose of a professional identity (P, PF, PG,
// LP or PX), or an empty string for an empty purpose.
func (v *view) Purpose(purpose string) (string, error) {
	if purpose == "" {
		return "", nil
	}
	return v.T("purpose_" + strings.ToLower(purpose))
}

// CodeName returns the first part of the reference of a failed login: the code
// itself for a SPID anomaly, otherwise a word in the page's language.
func (v *view) CodeName(code string) (string, error) {
	if strings.HasPrefix(code, "nr") {
		return code, nil
	}
	return v.T("failure_" + code)
}

// Explain returns the message of an error in the input.
func (v *view) Explain(e FieldError) (string, error) {
	return v.text(e.Message, e.Args)
}

// Fault returns the message of the first error of a field, or an empty string.
func (v *view) Fault(field string) (string, error) {
	for _, e := range v.Errors {
		if e.Field == field {
			return v.Explain(e)
		}
	}
	return "", nil
}

// Field returns the data of the "field" template. pairs are the names and values
// that the page sets, such as label, hint and attributes; the value and the error
// message come from the handler.
func (v *view) Field(name string, pairs ...string) (map[string]string, error) {
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

// DescribedBy returns the aria-describedby attribute: the IDs of the group's error
// message and of the option's hint.
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

// Option returns the data of the "option" template. The first option of a group has
// the group's name as its ID, because the error summary links to that ID.
func (v *view) Option(name, value string, first bool, label string, hint ...string) option {
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
