package main

import (
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"stella/spid"
)

type spidKeygenCommand struct {
	File       string `arg:"" optional:"" default:"spid.key" help:"Where to write the key (default: ${default}). The request goes beside it, as .csr instead of .key."`
	SelfSigned bool   `help:"Make a certificate instead of a request, as .pem: for a public administration, for CIE, or to try things out."`
	PublicURL  string `name:"public-url" env:"STELLA_PUBLIC_URL" placeholder:"URL" help:"Where people reach Stella."`
	Locality   string `name:"organization-locality" env:"STELLA_ORGANIZATION_LOCALITY" placeholder:"TOWN" help:"The town of the organization's seat (default: that of its invoices)."`
	organizationConfig
}

func (spidKeygenCommand) Help() string {
	return "Writes a key of RSA, readable by its owner alone, and a request for its certificate with the subject and extensions that SPID wants. A private organization sends the request to AgID, which answers with the certificate; a public administration signs its own. Nothing is written over."
}

func (c spidKeygenCommand) Run() error {
	var wrong problems
	base := ""
	if c.EntityID == "" {
		public, err := parsePublicURL(c.PublicURL)
		wrong.add("STELLA_PUBLIC_URL (or STELLA_SPID_ENTITY_ID)", err)
		base = urlOf(public)
	}
	o := c.organizationConfig.check(&wrong)
	o.Locality = c.Locality
	wrong.need("STELLA_ORGANIZATION_LOCALITY (or STELLA_BILLING_CITY)", c.Locality+c.BillingCity)
	if err := wrong.join(); err != nil {
		return err
	}
	other := strings.TrimSuffix(c.File, filepath.Ext(c.File)) + ".csr"
	if c.SelfSigned {
		other = strings.TrimSuffix(other, ".csr") + ".pem"
	}
	if err := makeKey(c.File, other, c.SelfSigned, c.entityID(base), o); err != nil {
		return err
	}
	c.next(other)
	return nil
}

// makeKey writes a key and what is made of it, or neither.
func makeKey(keyFile, otherFile string, selfSigned bool, entityID string, o spid.Organization) error {
	key, err := spid.GenerateKey(3072)
	if err != nil {
		return err
	}
	other := &pem.Block{Type: "CERTIFICATE REQUEST"}
	if selfSigned {
		certificate, err := spid.SelfSign(key, entityID, o, time.Now())
		if err != nil {
			return err
		}
		other = &pem.Block{Type: "CERTIFICATE", Bytes: certificate.Raw}
	} else if other.Bytes, err = spid.CertificateRequest(key, entityID, o); err != nil {
		return err
	}
	text, err := spid.EncodeKey(key)
	if err != nil {
		return err
	}
	if err := writeNew(otherFile, pem.EncodeToMemory(other), 0o644); err != nil {
		return err
	}
	if err := writeNew(keyFile, text, 0o600); err != nil {
		return errors.Join(err, os.Remove(otherFile))
	}
	return nil
}

// writeNew writes a file that is not there yet.
func writeNew(file string, content []byte, mode fs.FileMode) error {
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s is there already, and is not written over", file)
	}
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	return errors.Join(err, f.Close())
}

// next says what to do with the files.
func (c spidKeygenCommand) next(other string) {
	fmt.Printf("%s: the key. It is STELLA_SPID_KEY_FILE; keep it secret, and a copy in a safe.\n", c.File)
	if c.SelfSigned {
		fmt.Printf("%s: its certificate, good for three years. It is STELLA_SPID_CERT_FILE.\nThen \"stella spid metadata\" prints what AgID, and with --cie what the Ministry of the Interior, asks for.\n", other)
		return
	}
	fmt.Printf("%s: the request. Send it to AgID, which answers with the certificate: STELLA_SPID_CERT_FILE.\nThen \"stella spid metadata\" prints what AgID asks for next.\n", other)
}
