package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/user"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"stella/store"
	"stella/workflow"
)

type qualificationCommand struct {
	List    qualificationListCommand   `cmd:"" help:"List qualifications."`
	Show    qualificationShowCommand   `cmd:"" help:"Show a qualification: every step, on what it was decided, every mail."`
	Approve qualificationDecideCommand `cmd:"" help:"Approve one under review: the mailbox gets its star."`
	Refuse  qualificationDecideCommand `cmd:"" help:"Refuse one under review; the holder is told the reason in these words."`
	Revoke  qualificationDecideCommand `cmd:"" help:"Take the star from a qualified mailbox; the holder is told the reason in these words."`
}

// operator is who makes a decision, for the log.
type operator struct {
	Operator string `env:"STELLA_OPERATOR" default:"${operator}" help:"Who decides, for the log (default: the user of this machine, ${operator})."`
}

// currentOperator is the person at the keyboard, also behind sudo.
func currentOperator() string {
	if name := os.Getenv("SUDO_USER"); name != "" {
		return name
	}
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return "unknown"
}

// states are the states one can ask for.
func states() string {
	var all []string
	for _, s := range workflow.States {
		all = append(all, string(s))
	}
	return strings.Join(all, ",")
}

type qualificationListCommand struct {
	database
	State string `help:"Only those in this state, such as under_review." enum:",${states}" default:""`
}

func (c qualificationListCommand) Run(ctx context.Context) error {
	return c.list(ctx, workflow.State(c.State), true)
}

// subject names a mailbox by its address, or by the number of a case.
type subject struct {
	Subject string `arg:"" name:"address" help:"The mailbox, or the case number."`
}

func (s subject) address(ctx context.Context, db *store.Store) (string, error) {
	if n, err := strconv.ParseInt(s.Subject, 10, 64); err == nil {
		address, err := db.AddressOf(ctx, n)
		if errors.Is(err, workflow.ErrUnknown) {
			return "", fmt.Errorf("there is no case %d", n)
		}
		return address, err
	}
	return strings.ToLower(s.Subject), nil
}

func mailboxOf(ctx context.Context, db *store.Store, address string) (int64, error) {
	id, err := db.MailboxByAddress(ctx, address)
	if errors.Is(err, workflow.ErrUnknown) {
		return 0, fmt.Errorf("there is no mailbox %s on record", address)
	}
	return id, err
}

type qualificationDecideCommand struct {
	database
	operator
	subject
	Reason string `required:"" help:"The reason, or the document relied on. It is kept with the decision."`
}

// Run is told by kong which of the three commands it is.
func (c qualificationDecideCommand) Run(ctx context.Context, which verb) error {
	if strings.TrimSpace(c.Reason) == "" {
		return errors.New("--reason is empty")
	}
	db, err := c.use(ctx)
	if err != nil {
		return err
	}
	defer db.close()
	address, err := c.address(ctx, db.Store)
	if err != nil {
		return err
	}
	p := &workflow.Procedure{Store: db.Store, Now: time.Now}
	decide := map[verb]func(context.Context, string, string, string) error{
		"approve": p.Approve, "refuse": p.Refuse, "revoke": p.Revoke}[which]
	mailbox, err := mailboxOf(ctx, db.Store, address)
	if err != nil {
		return err
	}
	err = decide(ctx, c.Operator, address, c.Reason)
	if errors.Is(err, workflow.ErrNotAllowed) {
		return notAllowed(ctx, db.Store, mailbox, which)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", address, err)
	}
	fmt.Printf("%s: %sd\n", address, which)
	return nil
}

// notAllowed says in a sentence why a decision cannot be made.
func notAllowed(ctx context.Context, db *store.Store, mailbox int64, which verb) error {
	c, err := db.View(ctx, mailbox)
	if err != nil {
		return err
	}
	needed := workflow.UnderReview
	if which == "revoke" {
		needed = workflow.Qualified
	}
	switch address := c.Mailbox.Address; {
	case c.Qualification == nil:
		return fmt.Errorf("%s never had a qualification", address)
	case c.Qualification.State != needed:
		return fmt.Errorf("%s cannot be %sd: its case %d is in state %s, and only one in state %s can",
			address, which, c.Qualification.Number, c.Qualification.State, needed)
	default:
		return fmt.Errorf("%s cannot be %sd: the holder on record is not the person who was identified; refuse it, or mend the record first", address, which)
	}
}

// verb is the name of the command that runs.
type verb string

type qualificationShowCommand struct {
	database
	subject
}

func (c qualificationShowCommand) Run(ctx context.Context) error {
	db, err := c.use(ctx)
	if err != nil {
		return err
	}
	defer db.close()
	address, err := c.address(ctx, db.Store)
	if err != nil {
		return err
	}
	mailbox, err := mailboxOf(ctx, db.Store, address)
	if err != nil {
		return err
	}
	h, err := db.History(ctx, mailbox)
	if err != nil {
		return err
	}
	if h.Case.Qualification == nil {
		return fmt.Errorf("%s never had a qualification", address)
	}
	return printHistory(h)
}

func printHistory(h *store.History) error {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	q := h.Case.Qualification
	fmt.Fprintf(w, "mailbox\t%s\ncase\t%d\nid\t%s\nstate\t%s since %s\nowner\t%s\n", h.Case.Mailbox.Address, q.Number, q.ID, q.State, moment(q.SteppedAt), q.Owner)
	if d := q.Declaration; d != nil {
		fmt.Fprintf(w, "declared\t%s\n", strings.Join(strings.Fields(strings.Join([]string{string(d.Kind), d.CompanyName, d.CompanyCode, d.Email, d.Phone}, " ")), " "))
	}
	if i := q.Identity; i != nil {
		fmt.Fprintf(w, "identified\t%s, %s, by %s at %s, %s\n", i.FullName(), i.FiscalNumber, i.ProviderName, i.Level, moment(i.IdentifiedAt))
	}
	if q.Reason != "" {
		fmt.Fprintf(w, "rejected\t%s\n", q.Reason)
	}
	if q.Remark != "" {
		fmt.Fprintf(w, "remark\t%s\n", q.Remark)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(w, "\nSTEP\tWHEN\tEVENT\tFROM\tTO\tWHO\tADDRESS\tREQUEST")
	for _, s := range h.Steps {
		who := strings.TrimSpace(string(s.Actor.Kind) + " " + strings.Trim(s.Actor.Client+"/"+s.Actor.Name, "/"))
		address := "-"
		if s.Actor.Address.IsValid() {
			address = s.Actor.Address.String()
		}
		fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", s.Version, moment(s.At), s.Event, dash(s.From), s.To, who, address, dash(s.Actor.Request))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(w, "\nSTEP\tDECIDED ON")
	for _, s := range h.Steps {
		var refs []string
		for _, k := range slices.Sorted(maps.Keys(s.Refs)) {
			refs = append(refs, k+" "+s.Refs[k])
		}
		if len(refs) > 0 {
			fmt.Fprintf(w, "%d\t%s\n", s.Version, strings.Join(refs, ", "))
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if len(h.Decisions) > 0 {
		fmt.Fprintln(w, "\nDECISION\tWHEN\tOPERATOR\tREASON")
	}
	for _, d := range h.Decisions {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", d.Event, moment(d.DecidedAt), d.Operator, d.Reason)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(w, "\nMAIL\tTO\tASKED FOR\tATTEMPTS\tOUTCOME\tRELAY")
	for _, m := range h.Mails {
		fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%s\t%s\n", m.Kind, m.To, moment(m.RequestedAt), m.Attempts, m.Outcome, cmp.Or(m.Reply, "-"))
	}
	return w.Flush()
}
