package web

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"

	"stella/spid"
	"stella/workflow"
)

// A Federation is what we are in one of the identity schemes, and who else is.
type Federation struct {
	*spid.ServiceProvider
	*spid.Registry
	Names map[string]string // what the operator calls providers, by entity ID
}

// name is what people call a provider. CIE has one, whose metadata name nobody.
func (f *Federation) name(p *spid.Provider) string {
	if f.Scheme == spid.CIE {
		return spid.CIEName
	}
	return cmp.Or(f.Names[p.EntityID], p.Name)
}

// path is where the scheme's own routes begin.
func (f *Federation) path() string {
	if f.Scheme == spid.CIE {
		return "/cie"
	}
	return "/spid"
}

// level names a level that was reached. SAML names those of both schemes alike,
// but they are not the same thing.
func (f *Federation) level(l spid.Level) string {
	if f.Scheme == spid.CIE {
		return "Cie" + strings.TrimPrefix(l.String(), "Spid")
	}
	return l.String()
}

// federations are the schemes one can log in with.
func (s *Server) federations() []*Federation {
	all := []*Federation{&s.SPID}
	if s.CIE != nil {
		all = append(all, s.CIE)
	}
	return all
}

// provider finds a provider that logins may start at; nil if there is none.
func (s *Server) provider(entityID string) (*Federation, *spid.Provider) {
	for _, f := range s.federations() {
		if p := f.Providers().Find(entityID); p != nil {
			return f, p
		}
	}
	return nil, nil
}

// renewed looks for a key that a provider has and p, the provider as we know it,
// has not. If it is true the provider is to be found again.
func (s *Server) renewed(r *http.Request, f *Federation, entityID string, p *spid.Provider) bool {
	renewed, err := f.RefreshFor(r.Context(), entityID, p)
	if err != nil {
		s.Log.WarnContext(r.Context(), "looking for a new key of an identity provider", "request", requestID(r), "error", err)
	}
	return renewed
}

// available are the providers to choose from, in random order.
func (s *Server) available(ctx context.Context, f *Federation) (spid.Providers, error) {
	suspended, err := s.Procedure.SuspendedProviders(ctx)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(f.Providers().Shuffled(), func(p *spid.Provider) bool {
		return slices.Contains(suspended, p.EntityID)
	}), nil
}

// ask is what a login asks for. For a company's mailbox it may be a
// professional identity, with the company's data (Avviso 18); CIE has none.
func (s *Server) ask(f *Federation, c *workflow.Case) spid.Ask {
	if f.Scheme == spid.CIE || s.Purpose == "" || c.Qualification.Declaration == nil ||
		c.Qualification.Declaration.Kind != workflow.KindCompany {
		return spid.Ask{}
	}
	return spid.Ask{Company: true, Purpose: s.Purpose}
}
