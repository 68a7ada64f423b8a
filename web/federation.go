package web

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"

	"stella/spid"
	"stella/workflow"
	"stella/workflow/qualification"
)

// Federation is one identity scheme, SPID or CIE: our service provider in it, and
// the registry of its identity providers.
type Federation struct {
	*spid.ServiceProvider
	*spid.Registry
	Names map[string]string // display names that the operator configured, by entity ID
}

// name returns the name of a provider for users. CIE has one provider, whose
// metadata contain no name.
func (f *Federation) name(p *spid.Provider) string {
	if f.Scheme == spid.CIE {
		return spid.CIEName
	}
	return cmp.Or(f.Names[p.EntityID], p.Name)
}

// path returns the prefix of the scheme's routes.
func (f *Federation) path() string {
	if f.Scheme == spid.CIE {
		return "/cie"
	}
	return "/spid"
}

// level returns the name of a login's level, for example "SpidL2" or "CieL3". Both
// schemes use the same SAML names, but their levels differ.
func (f *Federation) level(l spid.Level) string {
	if f.Scheme == spid.CIE {
		return "Cie" + strings.TrimPrefix(l.String(), "Spid")
	}
	return l.String()
}

// federations returns the schemes that users can log in with.
func (s *Server) federations() []*Federation {
	all := []*Federation{&s.SPID}
	if s.CIE != nil {
		all = append(all, s.CIE)
	}
	return all
}

// provider finds an identity provider that new logins may use, and its scheme. It
// returns nil if there is none.
func (s *Server) provider(entityID string) (*Federation, *spid.Provider) {
	for _, f := range s.federations() {
		if p := f.Providers().Find(entityID); p != nil {
			return f, p
		}
	}
	return nil, nil
}

// refreshProvider fetches the metadata again, to find a key of the provider that p
// does not have. If it returns true, the caller must look the provider up again.
func (s *Server) refreshProvider(r *http.Request, f *Federation, entityID string, p *spid.Provider) bool {
	renewed, err := f.RefreshFor(r.Context(), entityID, p)
	if err != nil {
		s.Log.WarnContext(r.Context(), "looking for a new key of an identity provider", "request", requestID(r), "error", err)
	}
	return renewed
}

// available returns the providers that are not suspended, in random order.
func (s *Server) available(ctx context.Context, f *Federation) (spid.Providers, error) {
	suspended, err := s.Provider.SuspendedProviders(ctx)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(f.Providers().Shuffled(), func(p *spid.Provider) bool {
		return slices.Contains(suspended, p.EntityID)
	}), nil
}

// loginOptions returns what a login requests. For a company's mailbox the operator may
// require a professional identity, with the company's data (SPID Avviso 18). CIE
// has no professional identities.
func (s *Server) loginOptions(f *Federation, c *qualification.Case) spid.LoginOptions {
	if f.Scheme == spid.CIE || s.Purpose == "" || c.Qualification.Declaration == nil ||
		c.Qualification.Declaration.Kind != workflow.KindCompany {
		return spid.LoginOptions{}
	}
	return spid.LoginOptions{Company: true, Purpose: s.Purpose}
}
