package spid

import (
	"cmp"
	"net/url"
	"strings"

	"github.com/crewjam/saml"
)

// CIEName is what people call the one provider of CIE, whose metadata name
// nobody.
const CIEName = "Carta di Identità Elettronica"

// brands are the names under which people know the providers of the SPID
// registry, by entity ID: they are those on the providers' own pages and on the
// official buttons, and not always those in the metadata, where one has an
// address and another the name of a company that nobody knows.
var brands = map[string]string{
	"https://id.eht.eu":                                      "Etna ID",
	"https://id.lepida.it/idp/shibboleth":                    "Lepida ID",
	"https://identity.infocert.it":                           "InfoCert ID",
	"https://identity.sieltecloud.it":                        "Sielte ID",
	"https://idp.intesigroup.com":                            "Intesi Group SPID",
	"https://idp.namirialtsp.com/idp":                        "Namirial ID",
	"https://login.id.tim.it/affwebservices/public/saml2sso": "TIM id",
	"https://loginspid.aruba.it":                             "Aruba ID",
	"https://loginspid.infocamere.it":                        "ID InfoCamere",
	"https://posteid.poste.it":                               "Poste ID",
	"https://spid.register.it":                               "SPIDItalia",
	"https://spid.teamsystem.com/idp":                        "TeamSystem ID",
}

// displayName returns the name of a provider for people: the one they know, else
// the display name of its organization, and where that is an address the
// organization's name. The Italian ones come first.
func displayName(entityID string, o *saml.Organization) string {
	name := brands[entityID]
	if o != nil {
		name = cmp.Or(name, localized(o.OrganizationDisplayNames), localized(o.OrganizationNames))
	}
	return cmp.Or(name, entityID)
}

// localized returns the Italian one of some names, else the first. An address is
// no name.
func localized(names []saml.LocalizedName) string {
	var first string
	for _, name := range names {
		value := strings.Join(strings.Fields(name.Value), " ")
		if u, err := url.Parse(value); err == nil && u.Host != "" {
			continue
		}
		if name.Lang == "it" && value != "" {
			return value
		}
		first = cmp.Or(first, value)
	}
	return first
}
