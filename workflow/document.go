package workflow

import "time"

// Document is a version of the contract notice.
type Document struct {
	SHA256  string // of Body, in hexadecimal
	Version string
	Date    time.Time
	Locale  string
	Body    []byte
}
