package main

import (
	"crypto/x509"
	"strings"
	"testing"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"

	"stella/cmd/stella/programtest"
	"stella/store/storetest"
)

func TestMetadataIsSigned(t *testing.T) {
	t.Parallel()
	c := programtest.GoodConfig(t)
	out := stella(t, append(programtest.Environ(c.SPIDConfig), "STELLA_PUBLIC_URL="+c.PublicURL), "spid", "metadata").succeeds(t)
	doc := etree.NewDocument()
	storetest.Must(t, doc.ReadFromString(out))
	if root := doc.Root(); root.Tag != "EntityDescriptor" || root.SelectAttrValue("entityID", "") != "https://id.example" {
		t.Errorf("the document is %.200s", out)
	}
	trusted := dsig.NewDefaultValidationContext(&dsig.MemoryX509CertificateStore{Roots: []*x509.Certificate{programtest.Fixtures().Certificate}})
	if _, err := trusted.Validate(doc.Root()); err != nil {
		t.Errorf("the signature: %v", err)
	}

	// While the key is changed, both certificates are listed. The metadata for CIE are
	// a separate document.
	c.SPIDOtherCertFile = programtest.File(t, "other.crt", programtest.Fixtures().Other)
	programtest.WithCIE(t)(&c)
	env := append(append(programtest.Environ(c.SPIDConfig), programtest.Environ(c.CIEConfig)...), "STELLA_PUBLIC_URL="+c.PublicURL)
	if out := stella(t, env, "spid", "metadata").succeeds(t); strings.Count(out, "<ds:X509Certificate>") != 3 { // the signature has one too
		t.Errorf("with another certificate: %s", out)
	}
	card := stella(t, env, "spid", "metadata", "--cie").succeeds(t)
	if !strings.Contains(card, "https://id.example/cie/acs") || !strings.Contains(card, "H501") || strings.Contains(out, "/cie/") {
		t.Errorf("for CIE: %s", card)
	}
	bare := stella(t, append(programtest.Environ(c.SPIDConfig), "STELLA_PUBLIC_URL="+c.PublicURL), "spid", "metadata", "--cie")
	if bare.status != 1 || !strings.Contains(bare.err, "STELLA_ORGANIZATION_MUNICIPALITY, which CIE wants, is missing") {
		t.Errorf("for CIE, without its variables: %+v", bare)
	}

	r := stella(t, nil, "spid", "metadata")
	if r.status != 1 || !strings.Contains(r.err, "STELLA_PUBLIC_URL is missing\n") ||
		!strings.Contains(r.err, "STELLA_SPID_CERT_FILE is missing\n") || r.out != "" {
		t.Errorf("without variables: %+v", r)
	}
}
