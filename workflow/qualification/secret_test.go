package qualification_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"testing"
	"time"

	"stella/otp"
	"stella/store/storetest"
	"stella/workflow"
	"stella/workflow/qualification"
)

func newKey() []byte {
	key := make([]byte, 32)
	rand.Read(key)
	return key
}

// The steps of docs/operations for a change of the key, with codes and links requested
// before each step. They stay valid until their key is removed, on instances before and
// after the step.
func TestKeyRotationKeepsCodesAndLinksValid(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t)
	before, after := storetest.Key, newKey()
	instance := func(keys ...[]byte) *qualification.Procedure {
		p := w.Another()
		p.Keys = keys
		return p
	}
	steps := []*qualification.Procedure{instance(before), instance(before, after), instance(after, before)}
	for i, first := range steps {
		w.Procedure = first
		for _, j := range []int{i - 1, i, i + 1} {
			if j < 0 || j >= len(steps) || j == len(steps)-1 && i == 0 {
				continue
			}
			coded, invited := w.RecordInState(t, qualification.CodeEntry), w.RecordInState(t, qualification.Invited)
			digits, link := coded.SendCode(), invited.InvitationSecret()
			second := steps[j]
			if err := second.TypeCode(t.Context(), coded.Visitor, coded.Form(), digits); err != nil {
				t.Errorf("code of step %d in step %d: error %v", i, j, err)
			}
			if again := workflow.InvitationSecret(second.Keys, invited.Case().Qualification.Invitation.Nonce); again != link {
				t.Errorf("an invitation of step %d that is repeated in step %d has another link", i, j)
			}
			if _, err := second.AcceptInvitation(t.Context(), link, "it", invited.Visitor.Address, "r"); err != nil {
				t.Errorf("link of step %d in step %d: error %v", i, j, err)
			}
		}
	}

	// Without the previous key, its codes are not accepted.
	w.Procedure = steps[0]
	coded := w.RecordInState(t, qualification.CodeEntry)
	digits, last := coded.SendCode(), instance(after)
	if again := workflow.CodeDigits(last.Keys, coded.Case().Codes[0].Nonce); again != "" {
		t.Errorf("code whose key was removed: %q, want none", again)
	}
	var wrong *qualification.CodeError
	if err := last.TypeCode(t.Context(), coded.Visitor, coded.Form(), digits); !errors.As(err, &wrong) {
		t.Errorf("code whose key was removed: error %v", err)
	}
}

// A code is valid only under the key that made it, so a second key does not make
// guessing easier.
func TestCodeIsValidUnderItsOwnKeyOnly(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t)
	other := newKey()
	w.Procedure.Keys = workflow.Keys{storetest.Key, other}
	j := w.RecordInState(t, qualification.CodeEntry)
	right, guess := j.SendCode(), otp.Key(other).Code(j.Case().Codes[0].Nonce)
	if right == guess {
		return // with probability 1 in 1,000,000 both keys make the same code
	}
	var wrong *qualification.CodeError
	if err := w.Procedure.TypeCode(t.Context(), j.Visitor, j.Form(), guess); !errors.As(err, &wrong) || wrong.Code != "code_wrong" {
		t.Errorf("code of another key: error %v", err)
	}
	storetest.Must(t, w.Procedure.TypeCode(t.Context(), j.Visitor, j.Form(), right))
}

// A webhook keeps the secret that its receiver knows until it is rotated.
func TestKeyRotationKeepsWebhookSecret(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t)
	before, after := storetest.Key, newKey()
	id, _, err := w.Provider.AddWebhook(t.Context(), storetest.Webmail, "https://webmail.example/hooks", nil)
	storetest.Must(t, err)
	hook := func() workflow.Webhook {
		h, err := w.Webhook(t.Context(), id)
		storetest.Must(t, err)
		return h
	}
	now := w.Clock.Now()
	secret := hook().Secrets(workflow.Keys{before}, now)[0]
	for _, keys := range []workflow.Keys{{before, after}, {after, before}} {
		if got := hook().Secrets(keys, now); len(got) != 1 || !bytes.Equal(got[0], secret) {
			t.Errorf("the secret changed with %d keys", len(keys))
		}
	}
	if hook().Outdated(workflow.Keys{before, after}) || !hook().Outdated(workflow.Keys{after, before}) {
		t.Error("Outdated is wrong")
	}
	if got := hook().Secrets(workflow.Keys{after}, now); len(got) != 0 {
		t.Errorf("%d secrets without the key, want 0", len(got))
	}
	w.Provider.Keys = workflow.Keys{after, before}
	_, err = w.Provider.RotateWebhook(t.Context(), id, now.Add(time.Hour))
	storetest.Must(t, err)
	if got := hook().Secrets(w.Provider.Keys, now); len(got) != 2 || !bytes.Equal(got[1], secret) || hook().Outdated(w.Provider.Keys) {
		t.Errorf("%d secrets after the rotation", len(got))
	}
}
