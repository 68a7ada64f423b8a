package main

import (
	"net/http"
	"time"
)

// An observer sends requests. It counts them, and records how long the answers take and
// which cookies are secret.
type observer struct {
	recorder *recorder
	what     string // what it counts
	http.Transport
}

func newObserver(r *recorder, what string) *observer {
	return &observer{recorder: r, what: what, Transport: http.Transport{DisableKeepAlives: true}}
}

func (o *observer) RoundTrip(r *http.Request) (*http.Response, error) {
	o.recorder.count(o.what)
	began := time.Now()
	answer, err := o.Transport.RoundTrip(r)
	o.recorder.recordWait(time.Since(began))
	if err != nil {
		return nil, err
	}
	for _, c := range answer.Cookies() {
		if c.Value != "" && !isNotice(c) {
			o.recorder.addSecret(c.Value, "the cookie "+c.Name)
		}
	}
	return answer, nil
}
