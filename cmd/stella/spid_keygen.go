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

	"stella/cmd/stella/config"
	"stella/spid"
)

type spidKeygenCommand struct {
	File       string `arg:"" optional:"" default:"spid.key" help:"File to write the key to (default: ${default}). The request is written next to it, with .csr instead of .key."`
	SelfSigned bool   `help:"Write a certificate (.pem) instead of a request, for a public administration, for CIE or for a trial."`
	PublicURL  string `name:"public-url" env:"STELLA_PUBLIC_URL" placeholder:"URL" help:"URL at which people reach Stella."`
	Locality   string `name:"organization-locality" env:"STELLA_ORGANIZATION_LOCALITY" placeholder:"TOWN" help:"The town of the organization's seat (default: STELLA_BILLING_CITY)."`
	config.OrganizationConfig
}

func (spidKeygenCommand) Help() string {
	return "Writes an RSA key, readable only by its owner, and a request for its certificate " +
		"with the subject and extensions that SPID requires. " +
		"A private organization sends the request to AgID, which answers with the certificate. " +
		"A public administration signs its own certificate. Existing files are not overwritten."
}

func (c spidKeygenCommand) Run() error {
	var wrong config.Problems
	base := ""
	if c.EntityID == "" {
		public, err := config.ParsePublicURL(c.PublicURL)
		wrong.Add("STELLA_PUBLIC_URL (or STELLA_SPID_ENTITY_ID)", err)
		base = config.BaseURL(public)
	}
	o := c.OrganizationConfig.Check(&wrong)
	o.Locality = c.Locality
	wrong.Require("STELLA_ORGANIZATION_LOCALITY (or STELLA_BILLING_CITY)", c.Locality+c.BillingCity)
	if err := wrong.Join(); err != nil {
		return err
	}
	other := strings.TrimSuffix(c.File, filepath.Ext(c.File)) + ".csr"
	if c.SelfSigned {
		other = strings.TrimSuffix(other, ".csr") + ".pem"
	}
	if err := makeKey(c.File, other, c.SelfSigned, c.ID(base), o); err != nil {
		return err
	}
	c.printNextSteps(other)
	return nil
}

// makeKey writes a key, and its certificate or the request for one. If one of the files
// cannot be written, it writes neither.
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

// writeNew writes a new file. It returns an error if the file exists.
func writeNew(file string, content []byte, mode fs.FileMode) error {
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s already exists, and is not overwritten", file)
	}
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	return errors.Join(err, f.Close())
}

// printNextSteps prints what to do with the files.
func (c spidKeygenCommand) printNextSteps(other string) {
	fmt.Printf("%s: the key, for STELLA_SPID_KEY_FILE. Keep it secret, and keep a copy in a safe.\n", c.File)
	if c.SelfSigned {
		fmt.Printf("%s: its certificate, valid for three years, for STELLA_SPID_CERT_FILE.\n"+
			"Next, \"stella spid metadata\" prints the metadata for AgID, and with --cie for the Ministry of the Interior.\n", other)
		return
	}
	fmt.Printf("%s: the request. Send it to AgID, which answers with the certificate, for STELLA_SPID_CERT_FILE.\n"+
		"Next, \"stella spid metadata\" prints the metadata for AgID.\n", other)
}
