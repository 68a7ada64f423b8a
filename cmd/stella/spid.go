package main

import (
	"fmt"
	"os"

	"stella/cmd/stella/config"
	"stella/spid"
)

type spidCommands struct {
	Keygen   spidKeygenCommand    `cmd:"" help:"Generate our key, and the request for its certificate."`
	Metadata spidMetadataCommand  `cmd:"" help:"Print our signed metadata, for AgID and identity providers."`
	Provider spidProviderCommands `cmd:"" help:"Identity providers: list, suspend and resume them."`
}

type spidMetadataCommand struct {
	PublicURL string `name:"public-url" env:"STELLA_PUBLIC_URL" placeholder:"URL" help:"URL at which people reach Stella."`
	CIE       bool   `name:"cie" help:"Print the metadata for CIE, for the federation portal of the Ministry of the Interior."`
	config.SPIDConfig
	config.CIEConfig
}

func (c spidMetadataCommand) Run() error {
	var wrong config.Problems
	public, err := config.ParsePublicURL(c.PublicURL)
	wrong.Add("STELLA_PUBLIC_URL", err)
	sp := c.SPIDConfig.Check(public, &wrong)
	if c.CIE {
		sp = c.CIEConfig.Check(*sp, public, &wrong)
	}
	if err := wrong.Join(); err != nil {
		return err
	}
	return printMetadata(sp)
}

func printMetadata(sp *spid.ServiceProvider) error {
	metadata, err := sp.Metadata()
	if err != nil {
		return fmt.Errorf("making the metadata: %w", err)
	}
	_, err = os.Stdout.Write(append(metadata, '\n'))
	return err
}
