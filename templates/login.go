package templates

// Methods is the page on which the user chooses SPID or CIE.
type Methods struct {
	SPIDLogo string // URL; empty for none
	CIE      string // URL that starts a login with CIE; empty if CIE is not available
	CIELogo  string // URL; empty for none
}

// Providers is the page on which the user chooses a SPID identity provider.
type Providers struct {
	Links    []ProviderLink
	Entry    bool   // SPID is the only method: the page shows its button above the list
	SPIDLogo string // URL of the button's logo; empty for none
}

// ProviderLink is a link that starts a login with an identity provider.
type ProviderLink struct {
	Name string
	URL  string
	Logo string // URL; empty for none
}

// LoginPost is the page with the form that sends a SAML request to an identity
// provider. A script submits the form at once.
type LoginPost struct {
	Provider    string
	URL         string
	SAMLRequest string
	RelayState  string
}

// AtProvider is the page for a user who returns while a login is in progress at
// the identity provider.
type AtProvider struct {
	Provider string
	CIE      bool   // the login is with CIE
	Restart  string // URL that starts the same login again
}

// LoginFailed is the page that explains why a login failed.
type LoginFailed struct {
	// Code is one of
	//
	//   - a SPID anomaly: "nr19" to "nr23", "nr25" or "nr30"
	//   - "technical": an error that the user cannot solve
	//   - "elsewhere": the response was late or already used, or came in another browser
	//   - "prefetch": the browser opened the link in advance
	//   - "suspended": the provider is suspended
	Code      string
	CIE       bool   // the login was with CIE
	Level     string // the requested level, for example "2"
	Purpose   string // of the requested professional identity: P, PF, PG, LP or PX (SPID Avviso 18); empty for none
	Reference string // the request's ID, for the help desk
	Known     bool   // the visitor has a procedure to return to
	Trial     bool   // the login was a trial, which belongs to no mailbox
	Reason    string // the rule that the response breaks; shown for trials only
}

// Scheme returns "SPID" or "CIE".
func (l LoginFailed) Scheme() string {
	if l.CIE {
		return "CIE"
	}
	return "SPID"
}

// Trial is the page with the result of a trial, a login that belongs to no mailbox.
type Trial struct {
	Provider   string
	Login      string // the ID of the SAML request
	Assertion  string // the ID of the assertion
	Level      string // for example "SpidL2" or "CieL3"
	Attributes []Attribute
}

// Attribute is one attribute of a SAML assertion.
type Attribute struct {
	Name  string
	Value string
}
