package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"stella/workflow"
)

// printHistory tells a case so that it can be told again: the log, what each
// step was decided on, and the rows that this refers to.
func printHistory(out io.Writer, h *workflow.History) error {
	t := newTable(out)
	q := h.Case.Qualification
	t.row("mailbox", h.Case.Mailbox.Address)
	t.row("case", strconv.FormatInt(q.Number, 10))
	t.row("id", q.ID.String())
	t.row("state", fmt.Sprintf("%s since %s", q.State, moment(q.SteppedAt)))
	t.row("owner", string(q.Owner))
	for _, n := range h.Others {
		t.row("another case", strconv.FormatInt(n, 10))
	}
	if q.Reason != "" {
		t.row("rejected", string(q.Reason))
	}
	if q.Remark != "" {
		t.row("remark", q.Remark)
	}
	if err := t.flush(); err != nil {
		return err
	}
	t.steps(h)
	t.refs(h)
	t.people(h)
	section(t, "DECISION\tID\tWHEN\tOPERATOR\tREASON", h.Decisions, func(d workflow.Decision) []string {
		return []string{string(d.Event), d.ID.String(), moment(d.DecidedAt), d.Operator, d.Reason}
	})
	section(t, "MAIL\tTO\tASKED FOR\tATTEMPTS\tOUTCOME\tAT\tRELAY", h.Mails, func(m workflow.SentMail) []string {
		return []string{string(m.Kind), m.To, moment(m.RequestedAt), strconv.Itoa(m.Attempts), string(m.Outcome), moment(m.EndedAt), cmp.Or(m.Reply, "-")}
	})
	return t.flush()
}

func (t table) steps(h *workflow.History) {
	section(t, "STEP\tWHEN\tEVENT\tFROM\tTO\tWHO\tADDRESS\tREQUEST", h.Steps, func(s workflow.Step) []string {
		who := strings.TrimSpace(string(s.Actor.Kind) + " " + strings.Trim(s.Actor.Client+"/"+s.Actor.Name, "/"))
		address := "-"
		if s.Actor.Address.IsValid() {
			address = s.Actor.Address.String()
		}
		return []string{strconv.Itoa(s.Version), moment(s.At), string(s.Event), dash(s.From), string(s.To), who, address, dash(s.Actor.Request)}
	})
}

func (t table) refs(h *workflow.History) {
	decided := slices.DeleteFunc(slices.Clone(h.Steps), func(s workflow.Step) bool { return len(s.Refs) == 0 })
	section(t, "STEP\tDECIDED ON", decided, func(s workflow.Step) []string {
		var refs []string
		for _, k := range slices.Sorted(maps.Keys(s.Refs)) {
			refs = append(refs, k+" "+s.Refs[k])
		}
		return []string{strconv.Itoa(s.Version), strings.Join(refs, ", ")}
	})
}

// people writes the personal data that the log refers to.
func (t table) people(h *workflow.History) {
	section(t, "RECORD\tIMPORTED\tBY\tSTATUS\tKIND\tNAME\tFISCAL CODE\tVAT NUMBER\tREPRESENTATIVES\tE-MAIL", h.Records, func(r workflow.Record) []string {
		var all []string
		for _, p := range r.Representatives {
			all = append(all, p.FiscalCode+" "+p.Name)
		}
		return []string{r.ID.String(), moment(r.ImportedAt), dash(r.ImportedBy), string(r.Status), dash(r.Kind), dash(r.Name), dash(r.FiscalCode), dash(r.VATNumber),
			dash(strings.Join(all, "; ")), dash(r.Email)}
	})
	section(t, "DECLARATION\tWHEN\tKIND\tCOMPANY\tCODE\tE-MAIL\tPHONE", h.Declarations, func(d workflow.Declaration) []string {
		return []string{d.ID.String(), moment(d.DeclaredAt), dash(d.Kind), dash(d.CompanyName), dash(d.CompanyCode), dash(d.Email), dash(d.Phone)}
	})
	section(t, "INVITATION\tSENT\tTO\tMAIL\tACCEPTED\tENDED\tHOW", h.Invitations, func(i workflow.Invitation) []string {
		return []string{i.ID.String(), moment(i.SentAt), i.Email, dash(i.Mail), moment(i.AcceptedAt), moment(i.EndedAt), dash(i.Ended)}
	})
	section(t, "IDENTITY\tWHEN\tNAME\tFISCAL CODE\tBORN\tBY\tLEVEL\tCOMPANY\tASSERTION", h.Identities, func(i workflow.Identity) []string {
		return []string{i.ID.String(), moment(i.IdentifiedAt), i.FullName(), i.FiscalNumber, dash(i.DateOfBirth), i.Provider, i.Level, dash(company(i)), i.AssertionID}
	})
}

// company is that of a professional identity, as the provider tells it.
func company(i workflow.Identity) string {
	return strings.Join(strings.Fields(i.CompanyName+" "+cmp.Or(i.CompanyFiscalNumber, i.CompanyVATNumber)), " ")
}
