package api_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"stella/client"
	"stella/store/storetest"
	"stella/workflow/qualification"
)

// annas is the record of Anna's mailbox in the tests.
var annas = client.Record{Kind: client.KindPerson, Name: "Anna Neri", FiscalCode: storetest.Anna,
	Representatives: []client.Representative{}, Email: "anna.neri@mail.example", Status: client.Active}

func TestAMailboxIsCreatedChangedAndDeleted(t *testing.T) {
	w := newWorld(t)
	c, ctx := w.registry(), t.Context()
	typed := annas
	typed.FiscalCode, typed.Name = " nrenna80a41h501t ", "Anna  Neri"
	made, err := c.PutRecord(ctx, "Anna.Neri@PEC.example", typed)
	storetest.Must(t, err)
	if made.Outcome != client.OutcomeMade || made.Address != anna || fmt.Sprint(made.Record) != fmt.Sprint(annas) ||
		made.ETag == "" {
		t.Errorf("%+v", made)
	}
	again, err := c.PutRecord(ctx, anna, annas)
	storetest.Must(t, err)
	if again.Outcome != client.OutcomeUnchanged || again.ETag != made.ETag {
		t.Errorf("%+v", again)
	}
	m, err := c.Status(ctx, anna, nil)
	storetest.Must(t, err)
	if m.Record == nil || fmt.Sprint(*m.Record) != fmt.Sprint(annas) || m.State != client.StateNone {
		t.Errorf("%+v", m)
	}

	// PUT makes a field empty if it is null or absent, PATCH only if it is null.
	email := ""
	patched, err := c.PatchRecord(ctx, anna, client.RecordPatch{Email: &email})
	storetest.Must(t, err)
	if patched.Outcome != client.OutcomeChanged || patched.Record.Email != "" || patched.Record.FiscalCode != storetest.Anna ||
		patched.ETag == made.ETag {
		t.Errorf("%+v", patched)
	}
	token := "Bearer " + c.Token
	a := call(t, w.handler, "PATCH", "/api/v1/mailboxes/"+anna, `{"fiscal_code":null,"representatives":null}`,
		"Authorization", token, "Content-Type", "application/merge-patch+json")
	if a.Code != 200 || !strings.Contains(a.text, `"fiscal_code":""`) || !strings.Contains(a.text, `"name":"Anna Neri"`) {
		t.Errorf("%d %s", a.Code, a.text)
	}
	a = call(t, w.handler, "PUT", "/api/v1/mailboxes/"+anna, `{"kind":"","status":"active"}`, "Authorization", token)
	if a.Code != 200 || !strings.Contains(a.text, `"name":""`) {
		t.Errorf("%d %s", a.Code, a.text)
	}

	storetest.Must(t, c.DeleteMailbox(ctx, anna))
	_, err = c.Status(ctx, anna, nil)
	failsWith(t, err, 404)
	failsWith(t, c.DeleteMailbox(ctx, anna), 404)
	_, err = c.PatchRecord(ctx, anna, client.RecordPatch{Email: &email})
	failsWith(t, err, 404)
	if again, err := c.PutRecord(ctx, anna, annas, client.IfNew); err != nil || again.Outcome != client.OutcomeMade {
		t.Errorf("created again: %+v, %v", again, err)
	}
}

func TestAnotherHolderInTheRecordRevokesTheStar(t *testing.T) {
	w := newWorld(t)
	j := w.RecordAs(t, anna, storetest.AnnasRecord).AdvanceTo(qualification.Qualified)
	c, ctx := w.registry(), t.Context()
	sara := annas
	sara.Name, sara.FiscalCode = "Sara Verdi", storetest.Sara
	done, err := c.PutRecord(ctx, anna, sara)
	storetest.Must(t, err)
	if done.Outcome != client.OutcomeRevoked || w.mailbox(anna).Show != client.ShowBanner {
		t.Errorf("%+v, and the webmail shows %s", done, w.mailbox(anna).Show)
	}
	j.WantState(qualification.Revoked)
}

func TestInvalidRecordsAreRefused(t *testing.T) {
	w := newWorld(t)
	c, ctx := w.registry(), t.Context()
	for _, test := range []struct {
		change func(*client.Record)
		want   []string // locations
	}{
		{func(r *client.Record) { r.FiscalCode = "NRENNA80A41H501X" }, []string{"body.fiscal_code"}},
		{func(r *client.Record) { r.VATNumber = "09876543217" }, []string{"body.vat_number"}},
		{func(r *client.Record) { r.Kind = "" }, []string{"body.kind"}},
		{func(r *client.Record) { r.Kind = "citizen" }, []string{"body.kind"}},
		{func(r *client.Record) { r.Status = "dead" }, []string{"body.status"}},
		{func(r *client.Record) { r.Status = "" }, []string{"body.status"}},
		{func(r *client.Record) { r.Email, r.FiscalCode = "nobody", "X" }, []string{"body.email", "body.fiscal_code"}},
		{func(r *client.Record) { r.Name = strings.Repeat("x", 501) }, []string{"body.name"}},
		{func(r *client.Record) { r.Kind, r.FiscalCode = client.KindCompany, "09876543218" }, []string{"body.fiscal_code"}},
		{func(r *client.Record) {
			r.Kind, r.FiscalCode = client.KindCompany, storetest.Bianchi
			r.Representatives = []client.Representative{{FiscalCode: "LUCA", Name: "Luca Bianchi"}}
		}, []string{"body.representatives"}},
		{func(r *client.Record) { r.Name = `\N` }, []string{"body.name"}},
		{func(r *client.Record) { r.Email = "a%b@mail.example" }, []string{"body.email"}},
		{func(r *client.Record) {
			r.Kind, r.FiscalCode = client.KindCompany, storetest.Bianchi
			r.Representatives = []client.Representative{{FiscalCode: storetest.Luca, Name: "Luca Bianchi, VRDSRA82E50L219E Sara Verdi"}}
		}, []string{"body.representatives"}},
	} {
		r := annas
		test.change(&r)
		_, err := c.PutRecord(ctx, anna, r)
		failsWith(t, err, 422)
		var got []string
		for _, f := range err.(*client.Problem).Errors {
			got = append(got, f.Location)
			if f.Message == "" || strings.Contains(f.Message, "NRENNA") {
				t.Errorf("%+v", f)
			}
		}
		if slices.Sort(got); !slices.Equal(got, test.want) {
			t.Errorf("%+v: the errors are in %q, want %q", r, got, test.want)
		}
	}
	_, err := c.Status(ctx, anna, nil)
	failsWith(t, err, 404) // no mailbox was created
}

// PUT refuses an invalid address with status 422, even if its domain belongs to
// another client.
func TestInvalidAddressesAreRefused(t *testing.T) {
	w := newWorld(t)
	c, ctx := w.registry(), t.Context()
	for _, address := range []string{
		"nobody", "@", "an na@pec.example", "an na@altrove.example", "anna\x00@pec.example", "anna@neri@pec.example",
		"a%b@pec.example", "-anna@pec.example", "josé@pec.example", "anna@127.0.0.1",
	} {
		_, err := c.PutRecord(ctx, address, annas)
		failsWith(t, err, 422)
		faults := err.(*client.Problem).Errors
		if len(faults) != 1 || faults[0].Location != "path.address" || !strings.HasPrefix(faults[0].Message, "not an e-mail address") {
			t.Errorf("%q: %+v", address, faults)
		}
		_, err = c.PatchRecord(ctx, address, client.RecordPatch{})
		failsWith(t, err, 404)
		failsWith(t, c.DeleteMailbox(ctx, address), 404)
	}
}

// The largest record that an import accepts is accepted here too.
func TestALongRecord(t *testing.T) {
	w := newWorld(t)
	c, ctx := w.registry(), t.Context()
	r := client.Record{Kind: client.KindCompany, Name: strings.Repeat("è", 500), FiscalCode: storetest.Bianchi, Status: client.Active}
	for range 500 {
		r.Representatives = append(r.Representatives, client.Representative{FiscalCode: storetest.Anna, Name: "Anna Neri"})
	}
	done, err := c.PutRecord(ctx, anna, r)
	storetest.Must(t, err)
	if len(done.Record.Representatives) != 500 || done.Record.Name != r.Name {
		t.Errorf("%d representatives of %q", len(done.Record.Representatives), done.Record.Name)
	}
}

func TestConditionalWrites(t *testing.T) {
	w := newWorld(t)
	c, ctx := w.registry(), t.Context()
	_, err := c.PutRecord(ctx, anna, annas, client.IfMatch("*"))
	failsWith(t, err, 412)
	made, err := c.PutRecord(ctx, anna, annas, client.IfNew)
	storetest.Must(t, err)
	_, err = c.PutRecord(ctx, anna, annas, client.IfNew)
	failsWith(t, err, 412)
	m, err := c.Status(ctx, anna, nil)
	storetest.Must(t, err)

	// The ETag of a status is also valid for a write, even after a step of the holder.
	// The status itself then has another ETag.
	w.RecordAs(t, anna, storetest.AnnasRecord).AdvanceTo(qualification.HolderChoice)
	stepped, err := c.Status(ctx, anna, m)
	storetest.Must(t, err)
	if stepped == m || stepped.ETag == m.ETag {
		t.Errorf("the status after a step is still %+v", stepped)
	}
	if same, err := c.Status(ctx, anna, stepped); err != nil || same != stepped {
		t.Errorf("%+v, %v", same, err)
	}
	changed := annas
	changed.Name = "Anna Neri Rossi"
	second, err := c.PutRecord(ctx, anna, changed, client.IfMatch(m.ETag))
	storetest.Must(t, err)
	email := "anna@mail.example"
	for _, old := range []string{made.ETag, m.ETag, `"another"`, `W/` + made.ETag} {
		_, err = c.PutRecord(ctx, anna, annas, client.IfMatch(old))
		failsWith(t, err, 412)
		_, err = c.PatchRecord(ctx, anna, client.RecordPatch{Email: &email}, client.IfMatch(old))
		failsWith(t, err, 412)
		failsWith(t, c.DeleteMailbox(ctx, anna, client.IfMatch(old)), 412)
	}
	a := call(t, w.handler, "DELETE", "/api/v1/mailboxes/"+anna, "", "Authorization", "Bearer "+c.Token, "If-Match", made.ETag)
	if a.problem(412); a.Header().Get("ETag") != second.ETag {
		t.Errorf("the ETag of the 412 response is %s, want %s", a.Header().Get("ETag"), second.ETag)
	}
	storetest.Must(t, c.DeleteMailbox(ctx, anna, client.IfMatch(`"another", W/`+second.ETag)))
	_, err = c.PutRecord(ctx, anna, annas, client.IfMatch(second.ETag))
	failsWith(t, err, 412)
}

// If several clients write at the same time with the same condition, one of them
// succeeds.
func TestConcurrentConditionalWrites(t *testing.T) {
	w := newWorld(t)
	c, ctx := w.registry(), t.Context()
	made, err := c.PutRecord(ctx, anna, annas)
	storetest.Must(t, err)
	const writers = 8
	for _, write := range []struct {
		what      string
		condition client.Option
	}{{"changing", client.IfMatch(made.ETag)}, {"making", client.IfNew}} {
		what, condition := write.what, write.condition
		if what == "making" {
			storetest.Must(t, c.DeleteMailbox(ctx, anna))
		}
		errs := make([]error, writers)
		var wg sync.WaitGroup
		for i := range writers {
			wg.Go(func() {
				r := annas
				r.Name = fmt.Sprint("Anna ", what, string(rune('A'+i)))
				_, errs[i] = c.PutRecord(ctx, anna, r, condition)
			})
		}
		wg.Wait()
		won := 0
		for _, err := range errs {
			if err == nil {
				won++
				continue
			}
			failsWith(t, err, 412)
		}
		if won != 1 {
			t.Errorf("%s: %d of %d succeeded", what, won, writers)
		}
	}
}
