package main

import (
	"fmt"
	"os"
)

type spidCommands struct {
	Metadata spidMetadataCommand `cmd:"" help:"Print our signed metadata, for AgID and identity providers."`
}

type spidMetadataCommand struct {
	PublicURL string `name:"public-url" env:"STELLA_PUBLIC_URL" placeholder:"URL" help:"Where people reach Stella."`
	spidConfig
}

func (c spidMetadataCommand) Run() error {
	var wrong problems
	public, err := parsePublicURL(c.PublicURL)
	wrong.add("STELLA_PUBLIC_URL", err)
	sp := c.check(public, &wrong)
	if err := wrong.join(); err != nil {
		return err
	}
	metadata, err := sp.Metadata()
	if err != nil {
		return fmt.Errorf("making the metadata: %w", err)
	}
	_, err = os.Stdout.Write(append(metadata, '\n'))
	return err
}
