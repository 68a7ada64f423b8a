package main

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
)

// domain is that of all mailboxes.
const domain = "pec.example"

// A mailbox is one of those that are qualified. Its number determines everything.
type mailbox int

func (m mailbox) address() string { return fmt.Sprintf("casella%d@%s", int(m), domain) }

func (m mailbox) email() string { return fmt.Sprintf("titolare%d@mail.example", int(m)) }

// holder returns the index of the person who logs in.
func (m mailbox) holder() int { return int(m) % len(people()) }

// networkAddress returns the address of the holder's machine, so that the limits of a
// network do not stop the load.
func (m mailbox) networkAddress() string {
	return fmt.Sprintf("10.%d.%d.%d", int(m)>>16&255, int(m)>>8&255, int(m)&255)
}

// writeMailboxes writes the file for "stella mailbox import" with n mailboxes.
func writeMailboxes(w io.Writer, n int) error {
	b := bufio.NewWriter(w)
	fmt.Fprintln(b, "address,kind,name,fiscal_code,representatives,email,status")
	all := people()
	for m := range mailbox(n) {
		p := all[m.holder()]
		fmt.Fprintf(b, "%s,person,%s,%s,,%s,active\n", m.address(), p.FullName(), strings.TrimPrefix(p.FiscalNumber, "TINIT-"), m.email())
	}
	return b.Flush()
}

// writeMailboxFile is writeMailboxes to a file that psql can read too.
func writeMailboxFile(name string, n int) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := writeMailboxes(f, n); err != nil {
		return err
	}
	return f.Close()
}

func printMailboxes(_ context.Context, args []string) error {
	flags := flag.NewFlagSet("mailboxes", flag.ContinueOnError)
	n := flags.Int("n", 10_000, "number of mailboxes")
	if err := flags.Parse(args); err != nil {
		return err
	}
	return writeMailboxes(os.Stdout, *n)
}
