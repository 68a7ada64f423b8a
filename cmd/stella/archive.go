package main

import (
	"bytes"
	"context"
	"fmt"

	"filippo.io/age"
)

type archiveCommands struct {
	Keygen archiveKeygenCommand `cmd:"" help:"Make the auditor's key."`
	Show   archiveShowCommand   `cmd:"" help:"Print the request and response of a login, with the auditor's key."`
}

type archiveKeygenCommand struct {
	File string `arg:"" help:"Where to write the key. It is the auditor's: keep it away from the service, and safe."`
}

func (archiveKeygenCommand) Help() string {
	return "Writes a key of age (age-encryption.org) to the file and prints its public part, the STELLA_ARCHIVE_RECIPIENT of the service. Without the key nobody can read the archive, and it cannot be made again."
}

func (c archiveKeygenCommand) Run() error {
	key, err := makeArchiveKey(c.File)
	if err != nil {
		return err
	}
	fmt.Println(key.Recipient())
	return nil
}

// makeArchiveKey writes a new key, and never over one that is there.
func makeArchiveKey(file string) (*age.X25519Identity, error) {
	key, err := age.GenerateX25519Identity()
	if err != nil {
		return nil, err
	}
	return key, writeNew(file, fmt.Appendf(nil, "# public key: %s\n%s\n", key.Recipient(), key), 0o600)
}

func readArchiveKey(file string) (*age.X25519Identity, error) {
	text, err := readSecret(file)
	if err != nil {
		return nil, err
	}
	keys, err := age.ParseIdentities(bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	key, ok := keys[0].(*age.X25519Identity)
	if !ok {
		return nil, fmt.Errorf("%s holds another kind of key than stella archive keygen makes", file)
	}
	return key, nil
}

type archiveShowCommand struct {
	database
	Login string `arg:"" help:"The login, as \"stella qualification show\" names it."`
	Key   string `required:"" placeholder:"FILE" help:"The auditor's key."`
}

func (c archiveShowCommand) Run(ctx context.Context) error {
	key, err := readArchiveKey(c.Key)
	if err != nil {
		return err
	}
	db, err := c.use(ctx)
	if err != nil {
		return err
	}
	defer db.close()
	messages, err := db.OpenArchive(ctx, c.Login, key)
	if err != nil {
		return err
	}
	if len(messages) == 0 {
		return fmt.Errorf("the archive has nothing of %s", c.Login)
	}
	for _, m := range messages {
		logged := "refused: no step was decided on it"
		switch {
		case m.Logged:
			logged = "the log has its digest"
		case m.Trial:
			logged = "of a trial, in which no step is decided"
		}
		fmt.Printf("<!-- %s, %s, SHA-256 %s, %s -->\n%s\n", m.Direction, moment(m.ReceivedAt), m.SHA256(), logged, m.Body)
	}
	return nil
}
