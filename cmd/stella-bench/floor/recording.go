package floor

import (
	"encoding/json"
	"net/http"
	"os"
)

// A Recording contains the responses to one holder on the way from the hand-off to the star,
// in the order of the requests.
type Recording []Exchange

// An Exchange is a request and its answer.
type Exchange struct {
	Method, Path string
	Status       int
	Header       http.Header // of the answer
	Body         []byte
	Mails        []Mail // that were sent because of it
}

// A Mail is a mail that a holder has received.
type Mail struct {
	Message []byte
	Code    string // that it contains, or empty
}

// isStep reports whether an exchange must be stored: it has sent a form, or it sends the
// holder to the identity provider.
func (e Exchange) isStep() bool {
	return e.Method == http.MethodPost || isRequest(e.Header.Get("Location"))
}

// Write writes a recording to a file.
func (r Recording) Write(file string) error {
	text, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return os.WriteFile(file, text, 0o600)
}

func readRecording(file string) (r Recording, err error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	return r, json.Unmarshal(text, &r)
}
