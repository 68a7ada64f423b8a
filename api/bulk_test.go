package api_test

import (
	"fmt"
	"net/http"
	"slices"
	"testing"

	"stella/client"
	"stella/store/storetest"
	"stella/workflow/qualification"
)

func TestABulkWritesTheValidRecords(t *testing.T) {
	w := newWorld(t)
	w.RecordAs(t, anna, storetest.AnnasRecord).AdvanceTo(qualification.Qualified)
	c, ctx := w.registry(), t.Context()
	of := func(address string, change func(*client.Record)) client.Registration {
		r := client.Registration{Address: address, Record: annas}
		if change != nil {
			change(&r.Record)
		}
		return r
	}
	all := []client.Registration{
		of("new@pec.example", nil),
		of("NEW@pec.example", nil),
		of(anna, func(r *client.Record) { r.FiscalCode = storetest.Sara }),
		of("wrong@pec.example", func(r *client.Record) { r.FiscalCode, r.Email = "X", "Y" }),
		of("other@altrove.example", nil),
		of("no address", nil),
		of("last@pec.example", func(r *client.Record) { r.Status = client.Cancelled }),
	}
	done, err := c.PutRecords(ctx, all)
	storetest.Must(t, err)
	want := []string{
		"new@pec.example made []",
		"NEW@pec.example refused [address]",
		anna + " revoked []",
		"wrong@pec.example refused [email fiscal_code]",
		"other@altrove.example refused [address]",
		"no address refused [address]",
		"last@pec.example made []",
	}
	for i, d := range done {
		places := []string{}
		for _, f := range d.Errors {
			places = append(places, f.Location)
		}
		slices.Sort(places)
		if got := fmt.Sprint(d.Address, " ", d.Outcome, " ", places); i >= len(want) || got != want[i] {
			t.Errorf("result %d is %s", i, got)
		}
	}
	if len(done) != len(want) {
		t.Errorf("%d results, want %d", len(done), len(want))
	}
	if w.mailbox("last@pec.example").State != client.StateNotEligible || w.mailbox(anna).Show == client.ShowStar {
		t.Error("the records were not written")
	}
	again, err := c.PutRecords(ctx, all[:1])
	if storetest.Must(t, err); again[0].Outcome != client.OutcomeUnchanged {
		t.Errorf("the second call returns %+v", again)
	}
	_, err = c.PutRecords(ctx, nil)
	failsWith(t, err, 422)
	_, err = c.PutRecords(ctx, make([]client.Registration, 1001))
	failsWith(t, err, 422)
}

func TestAThousandRecordsAndStatusesAtOnce(t *testing.T) {
	w := newWorld(t)
	c, ctx := w.registry(), t.Context()
	all := make([]client.Registration, 1000)
	addresses := make([]string, len(all))
	for i := range all {
		addresses[i] = fmt.Sprintf("box%d@pec.example", i)
		all[i] = client.Registration{Address: addresses[i], Record: annas}
	}
	done, err := c.PutRecords(ctx, all)
	storetest.Must(t, err)
	for i, d := range done {
		if d.Address != addresses[i] || d.Outcome != client.OutcomeMade {
			t.Fatalf("the result is %+v", d)
		}
	}
	addresses[7], addresses[8], addresses[9] = "nobody@pec.example", "Box8@PEC.example", "box1@altrove.example"
	found, err := c.Statuses(ctx, addresses)
	storetest.Must(t, err)
	if len(found.Mailboxes) != 998 || fmt.Sprint(found.Unknown) != "[nobody@pec.example box1@altrove.example]" ||
		found.Mailboxes[7].Address != "box8@pec.example" || found.Mailboxes[0].Record != nil {
		t.Errorf("%d known, unknown %q", len(found.Mailboxes), found.Unknown)
	}
	_, err = c.Statuses(ctx, append(addresses, anna))
	failsWith(t, err, 422)
	_, err = c.Statuses(ctx, []string{})
	failsWith(t, err, http.StatusUnprocessableEntity)
}
