package mail

import "time"

// WithTimeout shortens the patience with a relay.
func (o RelayOptions) WithTimeout(d time.Duration) RelayOptions {
	o.timeout = d
	return o
}
