package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/exec"

	"stella/cmd/stella-bench/floor"
)

// serveFloor runs the floor until ctx ends.
func serveFloor(ctx context.Context, args []string) error {
	var c floor.Config
	flags := flag.NewFlagSet("floor", flag.ContinueOnError)
	listen := flags.String("listen", "127.0.0.1:8080", "address to listen on")
	flags.StringVar(&c.Site, "site", "", "URL of that address")
	flags.StringVar(&c.Database, "database", "", "URL of the database")
	flags.StringVar(&c.Relay, "relay", "", "address of the mail relay")
	flags.StringVar(&c.CAFile, "ca", "", "certificate of the relay")
	flags.StringVar(&c.KeyFile, "key", "", "RSA key that signs requests to the identity provider")
	flags.StringVar(&c.Recording, "recording", "", "file of the recorded pages")
	if err := flags.Parse(args); err != nil {
		return err
	}
	handler, err := floor.New(ctx, c)
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", *listen)
	if err != nil {
		return err
	}
	return serveUntil(ctx, l, handler, *listen)
}

// newFloor prepares the floor, with the pages and the identity provider of a Stella.
func newFloor(ctx context.Context, of *subject, recording string) (s *subject, err error) {
	w := of.world
	s = &subject{name: "floor", world: w, database: "floor", provider: of.provider, tokens: []string{"none"}}
	if err := s.useCluster(ctx); err != nil {
		return nil, err
	}
	if err := s.cluster.do(ctx, s.database, floor.Schema); err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	s.serve = func() *exec.Cmd {
		c := exec.Command(self, "floor", "-listen", w.listen, "-site", w.site, "-database", s.url+"&pool_max_conns=16",
			"-relay", w.smtp, "-ca", w.file("relay.pem"), "-key", w.file("spid.key"), "-recording", recording)
		c.Env, c.Stderr = append(os.Environ(), partVariable+"=1"), w.log
		return c
	}
	return s, nil
}

// addRows adds the mailboxes of the floor.
func (s *subject) addRows(ctx context.Context, mailboxes int) error {
	s.imported = mailboxes
	return s.cluster.do(ctx, s.database, "truncate mailboxes",
		fmt.Sprintf(`insert into mailboxes (address) select 'casella' || i || '@%s' from generate_series(0, %d) i`, domain, mailboxes-1),
		"vacuum analyze mailboxes")
}

// record walks one holder through a Stella and writes what the floor needs to a file.
func record(ctx context.Context, s *subject, file string) (err error) {
	if err := s.addMailboxes(ctx, 1000, 1); err != nil {
		return err
	}
	if err := s.start(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	m, err := s.take(1)
	if err != nil {
		return err
	}
	l := &load{subject: s, watch: newStopwatch(s.world.site)}
	tape := &recorder{site: s.world.site, inner: l.watch.inner}
	l.watch.inner = tape
	inbox := s.world.inbox
	if _, err := inbox.mails(ctx); err != nil { // keeps the mails from now on
		return err
	}
	v, err := l.enter(ctx, m)
	if err != nil {
		return err
	}
	read := v.holder.Code
	v.holder.Code = func(ctx context.Context) (string, error) {
		code, err := read(ctx)
		return code, errors.Join(err, tape.addMails(ctx, inbox))
	}
	if err := v.walk(ctx, atStar); err != nil {
		return err
	}
	if err := tape.addMails(ctx, inbox); err != nil {
		return err
	}
	return tape.recording.Write(file)
}
