package main

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"stella/workflow/qualification"
)

// A logged step is a row of the log.
type loggedStep struct{ event, from, to string }

// log reads the whole log.
func (o *observations) log(ctx context.Context) (map[stepID]loggedStep, error) {
	rows, err := o.db.Query(ctx, `select qualification_id::text, version, event, coalesce(from_state, ''), to_state from steps`)
	if err != nil {
		return nil, err
	}
	log := map[stepID]loggedStep{}
	var id stepID
	var s loggedStep
	_, err = pgx.ForEachRow(rows, []any{&id.qualification, &id.version, &s.event, &s.from, &s.to}, func() error {
		log[id] = s
		return nil
	})
	return log, err
}

// answeredSteps compares the steps that were answered and the states that were shown
// with the log.
func answeredSteps(ctx context.Context, o *observations) (n int, broken []string, err error) {
	log, err := o.log(ctx)
	if err != nil {
		return 0, nil, err
	}
	l := o.world.recorder
	l.mu.Lock()
	defer l.mu.Unlock()
	for id, s := range l.states {
		n++
		switch row, there := log[id]; {
		case !there:
			broken = append(broken, fmt.Sprintf("version %d of %s was shown as %q, but is not in the log",
				id.version, id.qualification, s.state))
		case s.state != "" && row.to != s.state:
			broken = append(broken, fmt.Sprintf("version %d of %s was shown as %q, but is %q in the log",
				id.version, id.qualification, s.state, row.to))
		}
	}
	events := eventsByQualification(log)
	for a, times := range l.answered {
		n += times
		if a.version == 0 { // a withdrawal
			if events[[2]string{a.qualification, "invitation_withdrawn"}] == 0 {
				broken = append(broken, fmt.Sprintf("a withdrawal of %s was answered, but is not in the log", a.qualification))
			}
			continue
		}
		row, there := log[a.stepID]
		attempts := l.attempts[stepID{a.qualification, a.version - 1}]
		switch {
		case !there:
			broken = append(broken, fmt.Sprintf("step %d of %s was answered, but is not in the log", a.version, a.qualification))
		case a.event != "" && row.event != a.event, len(attempts) > 0 && !attempts[row.event] && !byOthers[row.event]:
			broken = append(broken, fmt.Sprintf("step %d of %s is %s in the log, which no form requested",
				a.version, a.qualification, row.event))
		}
	}
	more, err := o.answeredOtherwise(ctx)
	return n, append(broken, more...), err
}

// byOthers are events that are not caused by a form of the procedure in this browser:
// they belong to a login, to the page of an invitation, to a code that is sent with
// another step, or to the operator.
var byOthers = map[string]bool{
	"login_started": true, "login_failed": true, "holder_matched": true, "holder_unproven": true, "holder_differs": true,
	"invitation_accepted": true, "invitation_declined": true, "code_wrong": true, "code_spent": true, "code_requested": true,
	"review_approved": true, "review_refused": true, "revoked": true,
}

func eventsByQualification(log map[stepID]loggedStep) map[[2]string]int {
	events := map[[2]string]int{}
	for id, s := range log {
		events[[2]string{id.qualification, s.event}]++
	}
	return events
}

// answeredOtherwise compares counts of actions that are not bound to a version: the
// database must contain at least as many as were answered.
func (o *observations) answeredOtherwise(ctx context.Context) (broken []string, err error) {
	for what, sql := range map[string]string{
		"logins started":              `select count(*) from steps where event = 'login_started'`,
		"provider responses accepted": `select count(*) from messages where direction = 'response'`,
		"operator decisions":          `select count(*) from decisions`,
		"wrong codes":                 `select count(*) + (select count(*) from steps where event = 'code_spent') * 1000 from steps where event = 'code_wrong'`,
	} {
		var n int
		if err := o.db.QueryRow(ctx, sql).Scan(&n); err != nil {
			return nil, err
		}
		if answered := o.world.recorder.counts[what]; n < answered {
			broken = append(broken, fmt.Sprintf("%s: %d were answered, %d are in the database", what, answered, n))
		}
	}
	return broken, nil
}

// allowedSteps checks that the procedure's table of events allows every step in the
// log.
func allowedSteps(ctx context.Context, o *observations) (n int, broken []string, err error) {
	log, err := o.log(ctx)
	if err != nil {
		return 0, nil, err
	}
	allowed := map[loggedStep]bool{{string(qualification.Opened), "", string(qualification.HolderChoice)}: true}
	for _, t := range qualification.Transitions {
		for _, from := range t.From {
			allowed[loggedStep{string(t.Event), string(from), string(t.To)}] = true
		}
	}
	for id, s := range log {
		if !allowed[s] {
			broken = append(broken, fmt.Sprintf("step %d of %s: %s from %s to %s", id.version, id.qualification, s.event, s.from, s.to))
		}
	}
	return len(log), broken, nil
}
