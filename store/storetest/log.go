package storetest

import (
	"bytes"
	"sync"
)

// Log is a buffer for log output. It is safe for concurrent use, so a test can read
// it while the program writes. The zero value is an empty log.
type Log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write appends to the log.
func (l *Log) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
