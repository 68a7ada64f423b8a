package webhook

import "time"

// SetTimeout makes attempts shorter than they are.
func (s *Sender) SetTimeout(d time.Duration) { s.timeout = d }
