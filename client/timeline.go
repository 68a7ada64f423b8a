package client

import (
	"context"
	"net/http"
	"time"
)

// Timeline is everything that happened in a case. Steps also refer to data that it
// does not contain; these are only named, by their ID or digest.
type Timeline struct {
	Number      int64        `json:"number" doc:"the case number" example:"42"`
	Mailbox     string       `json:"mailbox" doc:"its address, in lower case" example:"anna.neri@pec.example"`
	Steps       []Step       `json:"steps" nullable:"false" doc:"the log, in order; steps never change"`
	Decisions   []Decision   `json:"decisions" nullable:"false" doc:"the decisions of operators, in order"`
	Invitations []Invitation `json:"invitations" nullable:"false" doc:"the invitations to the holder, in order"`
	Mails       []Mail       `json:"mails" nullable:"false" doc:"the mails that steps requested, in order, with their outcome and without their text"`
}

// Step is a row of the log.
type Step struct {
	Version int               `json:"version" doc:"the number of the step in the case, from 1" example:"17"`
	Event   string            `json:"event" doc:"what happened, including the result of a check" example:"review_approved"`
	From    CaseState         `json:"from,omitempty" doc:"the state before the step; absent for the first step" example:"under_review"`
	To      CaseState         `json:"to" doc:"the state after the step" example:"qualified"`
	At      time.Time         `json:"at" doc:"when it was made" example:"2026-11-20T10:07:42.10425Z"`
	Actor   Actor             `json:"actor" doc:"who made it"`
	Refs    map[string]string `json:"refs" nullable:"false" doc:"what the step is based on: IDs, digests and verdicts" example:"{\"decision\":\"019aa5b2-0b5e-7c3a-8a07-d9d0b0a3c5e1\",\"verdict\":\"unproven\"}"`
}

// Actor is who made a step.
type Actor struct {
	Kind   string `json:"kind" enum:"webmail,holder,operator,system" doc:"the role of the actor: webmail is a user of the mailbox who came from the webmail, holder is an invited holder, system is Stella itself" example:"operator"`
	Client string `json:"client,omitempty" doc:"the client of the API through which the actor came" example:"backoffice"`
	Name   string `json:"name,omitempty" doc:"the operator's name, the invitation's ID, or the webmail's reference to its user" example:"paolo.conti"`
}

// Decision is a decision of an operator, with the reason or the document relied on.
type Decision struct {
	ID       string    `json:"id" format:"uuid" doc:"the ID by which steps refer to it" example:"019aa5b2-0b5e-7c3a-8a07-d9d0b0a3c5e1"`
	Event    string    `json:"event" doc:"what was decided" example:"review_approved"`
	Operator string    `json:"operator" doc:"who decided" example:"paolo.conti"`
	Reason   string    `json:"reason" doc:"the reason, or the document relied on" example:"visura camerale del 20/11/2026"`
	At       time.Time `json:"at" doc:"when it was decided" example:"2026-11-20T10:07:42.10425Z"`
}

// Mail is a mail of a case, with its outcome.
type Mail struct {
	ID       string      `json:"id" format:"uuid" doc:"the mail's ID" example:"019aa5b2-0b60-7d11-93c4-a51ae0f2b9d7"`
	Kind     string      `json:"kind" doc:"the kind of mail" example:"qualified"`
	To       string      `json:"to" doc:"the recipient" example:"anna.neri@mail.example"`
	Asked    time.Time   `json:"asked" doc:"when a step requested it" example:"2026-11-20T10:07:42.10425Z"`
	Attempts int         `json:"attempts" doc:"the number of attempts to send it" example:"1"`
	Outcome  MailOutcome `json:"outcome" enum:"waiting,accepted,refused,dropped" doc:"waiting, accepted or refused by the relay, or dropped because it was no longer useful" example:"accepted"`
	Ended    *time.Time  `json:"ended" doc:"when the outcome was known; null while the mail waits" example:"2026-11-20T10:07:43Z"`
	Reply    string      `json:"reply,omitempty" doc:"the relay's last reply" example:"2.0.0 OK: queued"`
}

// Timeline returns everything that happened in a case.
func (c *Client) Timeline(ctx context.Context, number int64) (*Timeline, error) {
	return call[Timeline](ctx, c, newRequest(http.MethodGet, casePath(number)+"/timeline", nil))
}
