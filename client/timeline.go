package client

import (
	"context"
	"net/http"
	"time"
)

// Timeline is all that happened in a case. What steps refer to, other than what
// stands here, is named by its id or digest alone.
type Timeline struct {
	Number      int64        `json:"number" doc:"the case number" example:"42"`
	Mailbox     string       `json:"mailbox" doc:"its address, in lower case" example:"anna.neri@pec.example"`
	Steps       []Step       `json:"steps" nullable:"false" doc:"the log, in order; none is ever changed"`
	Decisions   []Decision   `json:"decisions" nullable:"false" doc:"what operators decided, in order"`
	Invitations []Invitation `json:"invitations" nullable:"false" doc:"to the holder, in order"`
	Mails       []Mail       `json:"mails" nullable:"false" doc:"that were asked for, in order, with what became of them; never what they say"`
}

// Step is a row of the log.
type Step struct {
	Version int               `json:"version" doc:"counts the steps of the case, from 1" example:"17"`
	Event   string            `json:"event" doc:"what happened, already judged" example:"review_approved"`
	From    CaseState         `json:"from,omitempty" doc:"absent from the first step" example:"under_review"`
	To      CaseState         `json:"to" doc:"where the case stood then" example:"qualified"`
	At      time.Time         `json:"at" doc:"when it was made" example:"2026-11-20T10:07:42.10425Z"`
	Actor   Actor             `json:"actor" doc:"who made it"`
	Refs    map[string]string `json:"refs" nullable:"false" doc:"what it was decided on: ids, digests and verdicts" example:"{\"decision\":\"019aa5b2-0b5e-7c3a-8a07-d9d0b0a3c5e1\",\"verdict\":\"unproven\"}"`
}

// Actor is who made a step.
type Actor struct {
	Kind   string `json:"kind" enum:"webmail,holder,operator,system" doc:"the part in which they acted: a user of the mailbox, who came by the webmail; an invited holder; an operator; or Stella by itself" example:"operator"`
	Client string `json:"client,omitempty" doc:"the client of the API that they came through" example:"backoffice"`
	Name   string `json:"name,omitempty" doc:"the operator, the invitation, or the webmail's own reference to its user" example:"paolo.conti"`
}

// Decision is an operator's, with the reason or document relied on.
type Decision struct {
	ID       string    `json:"id" format:"uuid" doc:"as steps refer to it" example:"019aa5b2-0b5e-7c3a-8a07-d9d0b0a3c5e1"`
	Event    string    `json:"event" doc:"what was decided" example:"review_approved"`
	Operator string    `json:"operator" doc:"who decided" example:"paolo.conti"`
	Reason   string    `json:"reason" doc:"the reason, or the document relied on" example:"visura camerale del 20/11/2026"`
	At       time.Time `json:"at" doc:"when it was decided" example:"2026-11-20T10:07:42.10425Z"`
}

// Mail is a mail of a case, with what became of it.
type Mail struct {
	ID       string      `json:"id" format:"uuid" doc:"its own" example:"019aa5b2-0b60-7d11-93c4-a51ae0f2b9d7"`
	Kind     string      `json:"kind" doc:"what it tells" example:"qualified"`
	To       string      `json:"to" doc:"the recipient" example:"anna.neri@mail.example"`
	Asked    time.Time   `json:"asked" doc:"when a step asked for it" example:"2026-11-20T10:07:42.10425Z"`
	Attempts int         `json:"attempts" doc:"how often it was tried" example:"1"`
	Outcome  MailOutcome `json:"outcome" enum:"waiting,accepted,refused,dropped" doc:"accepted or refused by the relay, or dropped since it was of no use any more" example:"accepted"`
	Ended    *time.Time  `json:"ended" doc:"when that was known; null while it waits" example:"2026-11-20T10:07:43Z"`
	Reply    string      `json:"reply,omitempty" doc:"what the relay said last" example:"2.0.0 OK: queued"`
}

// Timeline asks for all that happened in a case.
func (c *Client) Timeline(ctx context.Context, number int64) (*Timeline, error) {
	return ask[Timeline](ctx, c, newRequest(http.MethodGet, casePath(number)+"/timeline", nil))
}
