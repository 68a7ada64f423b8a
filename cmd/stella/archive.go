package main

import (
	"bytes"
	"context"
	"fmt"

	"filippo.io/age"

	"stella/cmd/stella/config"
)

type archiveCommands struct {
	Keygen archiveKeygenCommand `cmd:"" help:"Generate the auditor's key."`
	Show   archiveShowCommand   `cmd:"" help:"Print the request and response of a login, with the auditor's key."`
}

type archiveKeygenCommand struct {
	File string `arg:"" help:"File to write the key to. The key belongs to the auditor: keep it in a safe place, away from the service."`
}

func (archiveKeygenCommand) Help() string {
	return "Writes an age key (age-encryption.org) to the file and prints its public part, " +
		"which is the service's STELLA_ARCHIVE_RECIPIENT. Without the key the archive cannot be read, and a lost key cannot be restored."
}

func (c archiveKeygenCommand) Run() error {
	key, err := makeArchiveKey(c.File)
	if err != nil {
		return err
	}
	fmt.Println(key.Recipient())
	return nil
}

// makeArchiveKey writes a new key to a file. It fails if the file exists.
func makeArchiveKey(file string) (*age.X25519Identity, error) {
	key, err := age.GenerateX25519Identity()
	if err != nil {
		return nil, err
	}
	return key, writeNew(file, fmt.Appendf(nil, "# public key: %s\n%s\n", key.Recipient(), key), 0o600)
}

func readArchiveKey(file string) (*age.X25519Identity, error) {
	text, err := config.ReadSecret(file)
	if err != nil {
		return nil, err
	}
	keys, err := age.ParseIdentities(bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	key, ok := keys[0].(*age.X25519Identity)
	if !ok {
		return nil, fmt.Errorf("%s contains a key that \"stella archive keygen\" did not make", file)
	}
	return key, nil
}

type archiveShowCommand struct {
	config.Database
	Login string `arg:"" help:"The login's ID, as \"stella qualification show\" prints it."`
	Key   string `required:"" placeholder:"FILE" help:"The auditor's key."`
}

func (c archiveShowCommand) Run(ctx context.Context, db *config.OpenDatabase) error {
	key, err := readArchiveKey(c.Key)
	if err != nil {
		return err
	}
	messages, err := db.OpenArchive(ctx, c.Login, key)
	if err != nil {
		return err
	}
	if len(messages) == 0 {
		return fmt.Errorf("the archive contains nothing for login %s", c.Login)
	}
	for _, m := range messages {
		logged := "refused: no step depends on it"
		switch {
		case m.Logged:
			logged = "its digest is in the log"
		case m.Trial:
			logged = "from a test login: no step depends on it"
		}
		fmt.Printf("<!-- %s, %s, SHA-256 %s, %s -->\n%s\n", m.Direction, formatTime(m.ReceivedAt), m.SHA256(), logged, m.Body)
	}
	return nil
}
