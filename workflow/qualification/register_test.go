package qualification_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"stella/store/storetest"
	"stella/workflow"
	"stella/workflow/qualification"
)

// registrar is a client with two domains.
var registrar = workflow.Client{ID: 1, Name: "register", Domains: []string{"b.example", "a.example"}}

// activeRecord returns Anna's record with status active.
func activeRecord() workflow.Record {
	r := storetest.AnnasRecord
	r.Status = workflow.Active
	return r
}

func always(r workflow.Record) func(*workflow.Mailbox) (workflow.Record, error) {
	return func(*workflow.Mailbox) (workflow.Record, error) { return r, nil }
}

// makeMailboxes makes mailboxes of the client.
func makeMailboxes(t *testing.T, w *storetest.World, addresses ...string) {
	t.Helper()
	for _, a := range addresses {
		_, _, err := w.Cases.PutMailbox(t.Context(), registrar, a, always(activeRecord()))
		storetest.Must(t, err)
	}
}

// listed returns the addresses on one page of the register, and the last mailbox of the
// page.
func listed(t *testing.T, w *storetest.World, f workflow.RegisterFilter) (addresses []string, last int64) {
	t.Helper()
	page, err := w.Provider.Mailboxes(t.Context(), registrar, f)
	storetest.Must(t, err)
	for _, m := range page {
		addresses, last = append(addresses, m.Mailbox.Address), m.Mailbox.ID
	}
	return addresses, last
}

func TestPutRecord(t *testing.T) {
	w := newWorld(t)
	ctx, p, record := t.Context(), w.Cases, activeRecord()
	what, m, err := p.PutMailbox(ctx, registrar, "Anna@A.example", always(record))
	storetest.Must(t, err)
	if what != qualification.ImportMade || m.Address != "anna@a.example" || m.Record.ImportedBy != "register" {
		t.Errorf("%s: %+v", what, m)
	}
	what, again, err := p.PutMailbox(ctx, registrar, "anna@a.example", always(record))
	if err != nil || what != qualification.ImportUnchanged || again.Record.ID != m.Record.ID {
		t.Errorf("%s, %v: %+v", what, err, again)
	}
	no := errors.New("no")
	_, _, err = p.PutMailbox(ctx, registrar, "anna@a.example", func(current *workflow.Mailbox) (workflow.Record, error) {
		if current == nil || current.Record.ID != m.Record.ID {
			t.Errorf("change was called with %+v", current)
		}
		return record, no
	})
	if !errors.Is(err, no) {
		t.Errorf("%v", err)
	}
	if _, _, err = p.PutMailbox(ctx, registrar, "anna@c.example", always(record)); !errors.Is(err, workflow.ErrUnknown) {
		t.Errorf("another domain: error %v", err)
	}
	wrong := record
	wrong.FiscalCode, wrong.Email = "X", "x"
	var fault *workflow.RecordError
	if _, _, err := p.PutMailbox(ctx, registrar, "new@a.example", always(wrong)); !errors.As(err, &fault) || len(fault.Faults) != 2 {
		t.Errorf("invalid record: error %v", err)
	}
	found, err := w.Provider.Mailbox(ctx, registrar, "ANNA@a.example")
	if err != nil || found.Mailbox.Record.FiscalCode != storetest.Anna || found.Summary.State != workflow.PublicNone {
		t.Errorf("%+v, %v", found, err)
	}
}

// Each of many registrations succeeds or fails separately.
func TestRecordAll(t *testing.T) {
	w := newWorld(t)
	makeMailboxes(t, w, "anna@a.example")
	var all []workflow.Registration
	for _, address := range []string{"b1@b.example", "b1@B.example", "anna@c.example", "b2@b.example", "anna@a.example", "nobody"} {
		all = append(all, workflow.Registration{Address: address, Record: activeRecord()})
	}
	outcomes, err := w.Cases.PutMailboxes(t.Context(), registrar, all)
	storetest.Must(t, err)
	var got []string
	for _, o := range outcomes {
		got = append(got, fmt.Sprint(o.Result, o.Err))
	}
	want := []string{
		"made<nil>", "address: it is in the list already", "unknown",
		"made<nil>", "unchanged<nil>", "address: not an e-mail address",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// A client lists the mailboxes of its own domains, ordered by domain.
func TestRegistered(t *testing.T) {
	w := newWorld(t)
	makeMailboxes(t, w, "b1@b.example", "anna@a.example", "b2@b.example")
	w.Record(t, storetest.AnnasRecord) // in another domain
	want := []string{"anna@a.example", "b1@b.example", "b2@b.example"}
	for limit := 1; limit <= 4; limit++ {
		var all []string
		f := workflow.RegisterFilter{Limit: limit}
		for {
			page, last := listed(t, w, f)
			if len(page) == 0 {
				break
			}
			all, f.After = append(all, page...), last
		}
		if !slices.Equal(all, want) {
			t.Errorf("with pages of %d: %q", limit, all)
		}
	}
	if got, _ := listed(t, w, workflow.RegisterFilter{Limit: 9, Statuses: []workflow.Status{workflow.Cancelled}}); got != nil {
		t.Errorf("cancelled: %q", got)
	}
	if got, _ := listed(t, w, workflow.RegisterFilter{Limit: 9, States: []string{""}}); !slices.Equal(got, want) {
		t.Errorf("without a qualification: %q", got)
	}
}

func TestDeleteRecord(t *testing.T) {
	w := newWorld(t)
	ctx, p := t.Context(), w.Cases
	makeMailboxes(t, w, "b1@b.example", "b2@b.example")
	no := errors.New("no")
	if err := p.DeleteMailbox(ctx, registrar, "b1@b.example", func(*workflow.Mailbox) error { return no }); !errors.Is(err, no) {
		t.Errorf("%v", err)
	}
	storetest.Must(t, p.DeleteMailbox(ctx, registrar, "b1@b.example", nil))
	if err := p.DeleteMailbox(ctx, registrar, "b1@b.example", nil); !errors.Is(err, workflow.ErrUnknown) {
		t.Errorf("second deletion: error %v", err)
	}
	if _, err := w.Provider.Mailbox(ctx, registrar, "b1@b.example"); !errors.Is(err, workflow.ErrUnknown) {
		t.Errorf("Mailbox: error %v", err)
	}
	if got, _ := listed(t, w, workflow.RegisterFilter{Limit: 9}); !slices.Equal(got, []string{"b2@b.example"}) {
		t.Errorf("listed: %q", got)
	}
	what, _, err := p.PutMailbox(ctx, registrar, "b1@b.example", func(current *workflow.Mailbox) (workflow.Record, error) {
		if current != nil {
			t.Errorf("change was called with a deleted mailbox: %+v", current)
		}
		return activeRecord(), nil
	})
	if err != nil || what != qualification.ImportMade {
		t.Errorf("new record: %s, %v", what, err)
	}
}

func TestNameIsStoredUnchanged(t *testing.T) {
	w := newWorld(t)
	for name, want := range map[string]string{
		`Officine "Bianchi" & Figli n° 1`: `Officine "Bianchi" & Figli n° 1`,
		"Nicolo\u0300 D'Angelo":           "Nicol\u00f2 D'Angelo", // in composed form
		"Nicol\u00f2 D’Angelo":            "Nicol\u00f2 D’Angelo",
		" Anna \t\n Neri ":                "Anna Neri",
		"Null S.r.l.":                     "Null S.r.l.",
		"Иванов, Ødegård & 山田":            "Иванов, Ødegård & 山田",
	} {
		r := workflow.Record{Kind: workflow.KindCompany, Name: name, Status: workflow.Active,
			Representatives: []workflow.Representative{{FiscalCode: storetest.Luca, Name: name}}}
		x := w.Record(t, r)
		if got := x.Case().Mailbox.Record; got.Name != want || got.Representatives[0].Name != want {
			t.Errorf("%q is stored as %q, %q", name, got.Name, got.Representatives[0].Name)
		}
	}
}
