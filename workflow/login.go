package workflow

import (
	"crypto/sha256"
	"encoding/hex"
	"time"

	"github.com/google/uuid"
)

// Login is a request to an identity provider, with the data needed to check the answer.
type Login struct {
	ID           string    // of the request
	Subject      uuid.UUID // uuid.Nil for a test login
	Provider     string    // the identity provider's entity ID
	ProviderName string
	RelayState   string
	Level        string // requested
	Comparison   string
	Session      []byte // digest of the browser session that sent the request
	StartedAt    time.Time
	Answer       *Answer // verified, but not yet fetched by the session that sent the request
	Failure      string  // the provider's error code, or "suspended"; empty if the login succeeded or has no answer yet
}

func (Login) IsRow() {}

// Answer is a verified response of an identity provider: a person, or an error code.
type Answer struct {
	Handle     []byte     `json:"-"`                   // digest of the one-time cookie
	Assertion  *Assertion `json:"assertion,omitempty"` // nil if the login failed
	Failure    string     `json:"failure,omitempty"`   // "nr25", …
	SHA256     string     `json:"sha256"`              // of the response, in hexadecimal
	ReceivedAt time.Time  `json:"received_at"`
}

// LoginLife is how long a login is valid, in the browser session that made it.
const LoginLife = 30 * time.Minute

// AnswerLife is how long a verified answer waits for the browser that sent the request.
const AnswerLife = 10 * time.Minute

// Message is a complete message of a login for the archive. The store encrypts it with
// the auditor's public key.
type Message struct {
	ID         uuid.UUID
	Login      string
	Direction  string // "request" or "response"
	Body       []byte
	ReceivedAt time.Time
}

func (Message) IsRow() {}

// SHA256 returns the digest of the body in hexadecimal. The log contains it, so that an
// auditor can verify that the archived message is the one that was decided on.
func (m Message) SHA256() string {
	sum := sha256.Sum256(m.Body)
	return hex.EncodeToString(sum[:])
}

// Trial reports whether this is a test login, which belongs to no mailbox. Testers use
// it to check our requests and how we process the answers.
func (l Login) IsTest() bool { return l.Subject == uuid.Nil }
