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
	"stella/workflow/qualification"
)

// printHistory prints all evidence of a case: the log, the references of each step,
// and the rows that they refer to.
func printHistory(out io.Writer, h *qualification.History) error {
	t := newTable(out)
	q := h.Case.Qualification
	t.row("mailbox", h.Case.Mailbox.Address)
	t.row("case", strconv.FormatInt(q.Number, 10))
	t.row("id", q.ID.String())
	t.row("state", fmt.Sprintf("%s since %s", q.State, formatTime(q.SteppedAt)))
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
	t.personalData(h)
	section(t, "DECISION\tID\tWHEN\tOPERATOR\tREASON", h.Decisions, func(d workflow.Decision) []string {
		return []string{string(d.Event), d.ID.String(), formatTime(d.DecidedAt), d.Operator, d.Reason}
	})
	section(t, "MAIL\tTO\tASKED FOR\tATTEMPTS\tOUTCOME\tAT\tRELAY", h.Mails, func(m workflow.SentMail) []string {
		return []string{
			string(m.Kind), m.To, formatTime(m.RequestedAt), strconv.Itoa(m.Attempts),
			string(m.Outcome), formatTime(m.EndedAt), cmp.Or(m.Reply, "-"),
		}
	})
	return t.flush()
}

func (t table) steps(h *qualification.History) {
	section(t, "STEP\tWHEN\tEVENT\tFROM\tTO\tWHO\tADDRESS\tREQUEST", h.Steps, func(s qualification.Step) []string {
		who := strings.TrimSpace(string(s.Actor.Kind) + " " + strings.Trim(s.Actor.Client+"/"+s.Actor.Name, "/"))
		address := "-"
		if s.Actor.Address.IsValid() {
			address = s.Actor.Address.String()
		}
		return []string{
			strconv.Itoa(s.Version), formatTime(s.At), string(s.Event), dash(s.From), string(s.To),
			who, address, dash(s.Actor.Request),
		}
	})
}

func (t table) refs(h *qualification.History) {
	decided := slices.DeleteFunc(slices.Clone(h.Steps), func(s qualification.Step) bool { return len(s.Refs) == 0 })
	section(t, "STEP\tDECIDED ON", decided, func(s qualification.Step) []string {
		var refs []string
		for _, k := range slices.Sorted(maps.Keys(s.Refs)) {
			refs = append(refs, k+" "+s.Refs[k])
		}
		return []string{strconv.Itoa(s.Version), strings.Join(refs, ", ")}
	})
}

// personalData prints the personal data that the log refers to.
func (t table) personalData(h *qualification.History) {
	const records = "RECORD\tIMPORTED\tBY\tSTATUS\tKIND\tNAME\tFISCAL CODE\tVAT NUMBER\tREPRESENTATIVES\tE-MAIL"
	section(t, records, h.Records, func(r workflow.Record) []string {
		var all []string
		for _, p := range r.Representatives {
			all = append(all, p.FiscalCode+" "+p.Name)
		}
		return []string{
			r.ID.String(), formatTime(r.ImportedAt), dash(r.ImportedBy), string(r.Status), dash(r.Kind), dash(r.Name),
			dash(r.FiscalCode), dash(r.VATNumber), dash(strings.Join(all, "; ")), dash(r.Email),
		}
	})
	section(t, "DECLARATION\tWHEN\tKIND\tCOMPANY\tCODE\tE-MAIL\tPHONE", h.Declarations, func(d qualification.Declaration) []string {
		return []string{
			d.ID.String(), formatTime(d.DeclaredAt), dash(d.Kind), dash(d.CompanyName), dash(d.CompanyCode),
			dash(d.Email), dash(d.Phone),
		}
	})
	section(t, "INVITATION\tSENT\tTO\tMAIL\tACCEPTED\tENDED\tHOW", h.Invitations, func(i qualification.Invitation) []string {
		return []string{
			i.ID.String(), formatTime(i.SentAt), i.Email, dash(i.Mail),
			formatTime(i.AcceptedAt), formatTime(i.EndedAt), dash(i.Ended),
		}
	})
	const identities = "IDENTITY\tWHEN\tNAME\tFISCAL CODE\tBORN\tBY\tLEVEL\tCOMPANY\tASSERTION"
	section(t, identities, h.Identities, func(i qualification.Identity) []string {
		return []string{
			i.ID.String(), formatTime(i.IdentifiedAt), i.FullName(), i.FiscalNumber, dash(i.DateOfBirth),
			i.Provider, i.Level, dash(company(i)), i.AssertionID,
		}
	})
}

// company returns name and code of the company of a professional identity, as the
// identity provider stated them.
func company(i qualification.Identity) string {
	return strings.Join(strings.Fields(i.CompanyName+" "+cmp.Or(i.CompanyFiscalNumber, i.CompanyVATNumber)), " ")
}
