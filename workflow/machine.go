package workflow

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/looplab/fsm"
)

// State is the state of a qualification. It implies who acts next.
type State string

// Event is an outcome that moves a qualification. All checks precede it.
type Event string

// The states of a qualification.
const (
	HolderChoice     State = "holder_choice"
	Introduction     State = "introduction"
	HolderInvitation State = "holder_invitation"
	Invited          State = "invited"
	HolderKind       State = "holder_kind"
	CompanyData      State = "company_data"
	ContactData      State = "contact_data"
	Summary          State = "summary"
	Identification   State = "identification"
	AtProvider       State = "at_provider"
	Identified       State = "identified"
	Contract         State = "contract"
	CodeEntry        State = "code"
	UnderReview      State = "under_review"
	Rejected         State = "rejected"
	Qualified        State = "qualified"
	Revoked          State = "revoked"
	Expired          State = "expired"
)

// States lists all states in the order of the procedure.
var States = []State{
	HolderChoice, Introduction, HolderInvitation, Invited, HolderKind, CompanyData, ContactData, Summary,
	Identification, AtProvider, Identified, Contract, CodeEntry, UnderReview, Rejected, Qualified, Revoked, Expired,
}

// EndedStates lists the states of a procedure that is over. A mailbox has at most
// one qualification in any other state.
var EndedStates = []State{Qualified, Revoked, Expired}

// Ended reports whether the procedure is over.
func (s State) Ended() bool { return slices.Contains(EndedStates, s) }

// Settled reports whether the holder and the delegate have nothing left to do.
func (s State) Settled() bool { return s == UnderReview || s.Ended() }

// The events of the procedure.
const (
	HolderDeclared      Event = "holder_declared"
	ProcedureBegun      Event = "procedure_begun"
	HolderDenied        Event = "holder_denied"
	HolderInvited       Event = "holder_invited"
	InvitationAccepted  Event = "invitation_accepted"
	InvitationDeclined  Event = "invitation_declined"
	InvitationWithdrawn Event = "invitation_withdrawn"
	CompanyChosen       Event = "company_chosen"
	PersonChosen        Event = "person_chosen"
	CompanyEntered      Event = "company_entered"
	CompanyDiffers      Event = "company_differs"
	ContactsEntered     Event = "contacts_entered"
	DataCorrected       Event = "data_corrected"
	DataConfirmed       Event = "data_confirmed"
	SteppedBack         Event = "stepped_back"
	LoginStarted        Event = "login_started"
	LoginFailed         Event = "login_failed"
	HolderMatched       Event = "holder_matched"
	HolderUnproven      Event = "holder_unproven"
	HolderDiffers       Event = "holder_differs"
	IdentityConfirmed   Event = "identity_confirmed"
	IdentityDisowned    Event = "identity_disowned"
	IdentityLapsed      Event = "identity_lapsed"
	ContactsCorrected   Event = "contacts_corrected"
	ContractRead        Event = "contract_acknowledged"
	CodeRequested       Event = "code_requested"
	CodeWrong           Event = "code_wrong"
	CodeSpent           Event = "code_spent" // too many wrong codes: the mailbox is paused
	CodeRight           Event = "code_right"
	CodeRightUnproven   Event = "code_right_unproven"
	ReviewApproved      Event = "review_approved"
	ReviewRefused       Event = "review_refused"
	Retried             Event = "retried"
	LoginRetried        Event = "login_retried"
	TimedOut            Event = "timed_out"
	RevokedByProvider   Event = "revoked"
)

//go:generate go run ./diagram ../docs/workflow.md

// Events is the table of transitions, and the only definition of the procedure. The
// method that fires events, the database constraint, the diagram in docs and the tests
// all read it. Events are outcomes after all checks, so the table needs no guards and
// no actions.
//
// Each row reads: this event leads to this state, from any of these states.
var Events = fsm.Events{
	on(HolderDeclared, Introduction, HolderChoice),
	on(ProcedureBegun, HolderKind, Introduction),

	on(HolderDenied, HolderInvitation, HolderChoice, Rejected),
	on(HolderInvited, Invited, HolderInvitation, Invited), // repeated: another mail, and the previous link becomes invalid
	on(InvitationAccepted, HolderKind, Invited),
	on(InvitationDeclined, HolderChoice, Invited),
	on(InvitationWithdrawn, HolderChoice, Invited, HolderKind, CompanyData, ContactData, Summary,
		Identification, AtProvider, Identified, Contract, CodeEntry, Rejected),

	on(CompanyChosen, CompanyData, HolderKind),
	on(PersonChosen, ContactData, HolderKind),
	on(CompanyEntered, ContactData, CompanyData),
	on(CompanyDiffers, Rejected, CompanyData),
	on(ContactsEntered, Summary, ContactData),
	on(DataCorrected, Summary, Summary),
	on(DataConfirmed, Identification, Summary),

	on(SteppedBack, HolderChoice, Introduction, HolderInvitation),
	on(SteppedBack, Introduction, HolderKind),
	on(SteppedBack, HolderKind, CompanyData, ContactData),
	on(SteppedBack, ContactData, Summary),
	on(SteppedBack, Summary, Identification),
	on(SteppedBack, Identified, Contract),

	on(LoginStarted, AtProvider, Identification, AtProvider),
	on(LoginFailed, Identification, AtProvider),
	on(HolderMatched, Identified, AtProvider),
	on(HolderUnproven, Identified, AtProvider),
	on(HolderDiffers, Rejected, AtProvider),
	on(IdentityConfirmed, Contract, Identified),
	on(IdentityDisowned, Identification, Identified),
	on(IdentityLapsed, Identification, AtProvider, Identified, Contract, CodeEntry),

	on(ContactsCorrected, Identified, Identified),
	on(ContactsCorrected, CodeEntry, CodeEntry),
	on(ContractRead, CodeEntry, Contract),
	on(CodeRequested, CodeEntry, CodeEntry),
	on(CodeWrong, CodeEntry, CodeEntry),
	on(CodeSpent, CodeEntry, CodeEntry),
	on(CodeRight, Qualified, CodeEntry),
	on(CodeRightUnproven, UnderReview, CodeEntry),

	on(ReviewApproved, Qualified, UnderReview),
	on(ReviewRefused, Rejected, UnderReview),
	on(Retried, HolderKind, Rejected),
	on(LoginRetried, Identification, Rejected),

	on(TimedOut, Expired, HolderChoice, Introduction, HolderInvitation, Invited, HolderKind, CompanyData, ContactData,
		Summary, Identification, AtProvider, Identified, Contract, CodeEntry, Rejected),
	on(RevokedByProvider, Revoked, Qualified),
}

func on(e Event, to State, from ...State) fsm.EventDesc {
	src := make([]string, len(from))
	for i, s := range from {
		src[i] = string(s)
	}
	return fsm.EventDesc{Name: string(e), Src: src, Dst: string(to)}
}

// ErrNotAllowed is returned for an event that cannot happen in the current state.
var ErrNotAllowed = errors.New("not allowed in this state")

// next returns the state that an event leads to. It checks that the state is known,
// because looplab/fsm accepts any string.
func next(from State, e Event) (State, error) {
	if !slices.Contains(States, from) {
		return from, fmt.Errorf("unknown state %q", from)
	}
	machine := fsm.NewFSM(string(from), Events, nil)
	err := machine.Event(context.Background(), string(e))
	var same fsm.NoTransitionError // the event leads back to the same state
	if err != nil && !errors.As(err, &same) {
		return from, fmt.Errorf("%s: %w (%s)", e, ErrNotAllowed, from)
	}
	return State(machine.Current()), nil
}

// sources returns the states in which an event can happen.
func sources(e Event) []string {
	var all []string
	for _, row := range Events {
		if row.Name == string(e) {
			all = append(all, row.Src...)
		}
	}
	return all
}
