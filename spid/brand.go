package spid

import (
	"cmp"
	"net/url"
	"strings"

	"github.com/crewjam/saml"
)

// CIEName is the common name of CIE's only provider. Its metadata contain no
// name.
const CIEName = "Carta di Identità Elettronica"

// brands are the common names of the providers in the SPID registry, by entity
// ID. They are taken from the providers' own pages and from the official
// buttons. The metadata are not always usable: one entry has an address instead
// of a name, another the name of an unknown company.
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

// displayName returns the name of a provider to show to users: its brand, or
// the display name of its organization, or the organization's name if the
// display name is an address, or the entity ID. Italian names are preferred.
func displayName(entityID string, o *saml.Organization) string {
	name := brands[entityID]
	if o != nil {
		name = cmp.Or(name, localized(o.OrganizationDisplayNames), localized(o.OrganizationNames))
	}
	return cmp.Or(name, entityID)
}

// localized returns the Italian name, or the first one if there is none. It
// skips names that are URLs.
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
