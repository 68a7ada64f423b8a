package qualification

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"stella/workflow"
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

// Public returns the state in the words of the API; that of "" is the state of a
// mailbox without a qualification.
func (s State) Public() workflow.PublicState {
	switch s {
	case "", Expired:
		return workflow.PublicNone
	case Invited:
		return workflow.PublicInvited
	case UnderReview:
		return workflow.PublicUnderReview
	case Rejected:
		return workflow.PublicRejected
	case Qualified:
		return workflow.PublicQualified
	case Revoked:
		return workflow.PublicRevoked
	}
	return workflow.PublicInProgress
}

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

//go:generate go run ./diagram ../../docs/workflow.md

// Transition is a row of the table: the event leads to one state, from any of these
// states. Why says when it happens, for a reader of docs/workflow.md.
type Transition struct {
	Event Event
	To    State
	From  []State
	Why   string
}

// Transitions is the only definition of what can follow what. The method that fires
// events, the database constraint, the diagram in docs and the tests all read it.
// Events are outcomes after all checks, so the table needs no guards and no actions.
var Transitions = []Transition{
	on(HolderDeclared, Introduction, "The user says that they are the holder.", HolderChoice),
	on(ProcedureBegun, HolderKind, "The holder read what is needed and begins.", Introduction),

	on(HolderDenied, HolderInvitation, "The user says that somebody else is the holder.", HolderChoice, Rejected),
	on(HolderInvited, Invited, "The holder is sent a link. A repeated invitation makes the previous link invalid.", HolderInvitation, Invited),
	on(InvitationAccepted, HolderKind, "The invited holder opens the link and begins.", Invited),
	on(InvitationDeclined, HolderChoice, "The invited person does not know the mailbox.", Invited),
	on(InvitationWithdrawn, HolderChoice, "A user of the mailbox or an operator withdraws the invitation.",
		Invited, HolderKind, CompanyData, ContactData, Summary, Identification, AtProvider, Identified, Contract, CodeEntry, Rejected),

	on(CompanyChosen, CompanyData, "The holder is a company.", HolderKind),
	on(PersonChosen, ContactData, "The holder is a private person.", HolderKind),
	on(CompanyEntered, ContactData, "The company is the one on record, or the record names none.", CompanyData),
	on(CompanyDiffers, Rejected, "The record names another company, or a person.", CompanyData),
	on(ContactsEntered, Summary, "The holder entered an e-mail address and perhaps a phone number.", ContactData),
	on(DataCorrected, Summary, "The holder changed the company or the contacts.", Summary),
	on(DataConfirmed, Identification, "The holder saved the data.", Summary),

	on(SteppedBack, HolderChoice, "The holder goes back one page.", Introduction, HolderInvitation),
	on(SteppedBack, Introduction, "The holder goes back one page.", HolderKind),
	on(SteppedBack, HolderKind, "The holder goes back one page.", CompanyData, ContactData),
	on(SteppedBack, ContactData, "The holder goes back one page.", Summary),
	on(SteppedBack, Summary, "The holder goes back one page.", Identification),
	on(SteppedBack, Identified, "The holder goes back one page.", Contract),

	on(LoginStarted, AtProvider, "The browser is sent to an identity provider.", Identification, AtProvider),
	on(LoginFailed, Identification, "The identity provider answered with an error, or is suspended.", AtProvider),
	on(HolderMatched, Identified, "The identified person is the holder on record.", AtProvider),
	on(HolderUnproven, Identified, "The record does not prove that the person is the holder.", AtProvider),
	on(HolderDiffers, Rejected, "The record names another person.", AtProvider),
	on(IdentityConfirmed, Contract, "The holder confirms the identity that was read.", Identified),
	on(IdentityDisowned, Identification, "The visitor is not that person, or this is not their mailbox.", Identified),
	on(IdentityLapsed, Identification, "The login is of another session, too old, or from a suspended provider, or the record has changed.",
		AtProvider, Identified, Contract, CodeEntry),

	on(ContactsCorrected, Identified, "The holder changed where the code will be sent.", Identified),
	on(ContactsCorrected, CodeEntry, "The holder changed where the code is sent.", CodeEntry),
	on(ContractRead, CodeEntry, "The holder acknowledged the contract notice.", Contract),
	on(CodeRequested, CodeEntry, "A code is sent. The previous one becomes invalid.", CodeEntry),
	on(CodeWrong, CodeEntry, "A wrong code was typed.", CodeEntry),
	on(CodeSpent, CodeEntry, "Too many wrong codes were typed: the mailbox is paused.", CodeEntry),
	on(CodeRight, Qualified, "The right code was typed and the person is the holder on record.", CodeEntry),
	on(CodeRightUnproven, UnderReview, "The right code was typed, and an operator must decide.", CodeEntry),

	on(ReviewApproved, Qualified, "An operator approves the case.", UnderReview),
	on(ReviewRefused, Rejected, "An operator refuses the case.", UnderReview),
	on(Retried, HolderKind, "The holder begins again.", Rejected),
	on(LoginRetried, Identification, "The holder logs in again, with another identity.", Rejected),

	on(TimedOut, Expired, "There was no step for 30 days, or the provider deleted the mailbox.",
		HolderChoice, Introduction, HolderInvitation, Invited, HolderKind, CompanyData, ContactData,
		Summary, Identification, AtProvider, Identified, Contract, CodeEntry, Rejected),
	on(RevokedByProvider, Revoked, "An operator revokes the star, or the record names another holder.", Qualified),
}

func on(e Event, to State, why string, from ...State) Transition {
	return Transition{Event: e, To: to, From: from, Why: why}
}

// ErrNotAllowed is returned for an event that cannot happen in the current state.
var ErrNotAllowed = errors.New("not allowed in this state")

// next returns the state that an event leads to.
func next(from State, e Event) (State, error) {
	for _, t := range Transitions {
		if t.Event == e && slices.Contains(t.From, from) {
			return t.To, nil
		}
	}
	return from, fmt.Errorf("%s: %w (%s)", e, ErrNotAllowed, from)
}

// sources returns the states in which an event can happen, as a list for a sentence.
func sources(e Event) string {
	var all []string
	for _, t := range Transitions {
		if t.Event == e {
			for _, s := range t.From {
				all = append(all, string(s))
			}
		}
	}
	return strings.Join(all, " or ")
}
