package webhook

import "time"

// SetTimeout replaces SendTimeout; 0 restores it.
func (s *Sender) SetTimeout(d time.Duration) { s.timeout = d }
