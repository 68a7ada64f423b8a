package templates

// Methods are the ways to log in. The logos' URLs are empty where there is none.
type Methods struct {
	SPIDLogo string
	CIE      string // the URL that starts a login with CIE; empty if one cannot
	CIELogo  string
}

// Providers is the list to choose an identity provider from.
type Providers struct {
	Links    []ProviderLink
	Entry    bool   // the entry of SPID leads to the list from above it: there is no other method
	SPIDLogo string // of the entry; its URL, empty for none
}

// ProviderLink starts a login.
type ProviderLink struct {
	Name string
	URL  string
	Logo string // its URL; empty for none
}

// LoginPost takes a request to an identity provider by a form, which a script
// sends at once.
type LoginPost struct {
	Provider    string
	URL         string
	SAMLRequest string
	RelayState  string
}

// AtProvider is for who comes back by hand while a login is under way.
type AtProvider struct {
	Provider string
	CIE      bool   // the login is one with CIE
	Restart  string // the URL that starts the same login again
}

// LoginFailed tells why a login did not identify anybody.
type LoginFailed struct {
	// Code is a SPID anomaly ("nr19" … "nr25", "nr30"), or "technical" (not the
	// person's doing), or "elsewhere" (answered too late, already used, or in
	// another browser), or "prefetch" (the link was not followed by a person),
	// or "suspended" (the provider is).
	Code      string
	CIE       bool   // the login was one with CIE
	Level     string // that was asked for, "2"
	Purpose   string // of the identity asked for: P, PF, PG, LP or PX (Avviso 18); empty for a person's own
	Reference string // for the help desk
	Known     bool   // the visitor has a procedure to go back to
	Trial     bool   // the login was a trial, which belongs to no mailbox
	Reason    string // the rule that does not hold, told in a trial only
}

// Scheme names what the login was made with.
func (l LoginFailed) Scheme() string {
	if l.CIE {
		return "CIE"
	}
	return "SPID"
}

// Trial shows what came of a login that belongs to no mailbox.
type Trial struct {
	Provider   string
	Login      string // the request's id
	Assertion  string // its id
	Level      string // "SpidL2", "CieL3"
	Attributes []Attribute
}

// Attribute is one fact that an identity provider vouches for.
type Attribute struct {
	Name  string
	Value string
}
