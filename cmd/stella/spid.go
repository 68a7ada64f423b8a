package main

import (
	"fmt"
	"os"

	"stella/spid"
)

type spidCommands struct {
	Keygen   spidKeygenCommand    `cmd:"" help:"Make our key, and the request for its certificate."`
	Metadata spidMetadataCommand  `cmd:"" help:"Print our signed metadata, for AgID and identity providers."`
	Provider spidProviderCommands `cmd:"" help:"Identity providers: which there are, and which are suspended."`
}

type spidMetadataCommand struct {
	PublicURL string `name:"public-url" env:"STELLA_PUBLIC_URL" placeholder:"URL" help:"Where people reach Stella."`
	CIE       bool   `name:"cie" help:"Print those for CIE, which go to the Ministry of the Interior's federation portal."`
	spidConfig
	cieConfig
}

func (c spidMetadataCommand) Run() error {
	var wrong problems
	public, err := parsePublicURL(c.PublicURL)
	wrong.add("STELLA_PUBLIC_URL", err)
	sp := c.spidConfig.check(public, &wrong)
	if c.CIE {
		sp = c.cieConfig.check(*sp, public, &wrong)
	}
	if err := wrong.join(); err != nil {
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
