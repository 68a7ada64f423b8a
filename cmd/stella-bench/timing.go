package main

import (
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

// A stopwatch records how long requests take, by step. Several holders use it at once.
type stopwatch struct {
	site  string
	inner http.RoundTripper

	mu    sync.Mutex
	times map[string][]time.Duration // nil while nothing is recorded
	order []string                   // of the steps, by their first time
}

func newStopwatch(site string) *stopwatch {
	return &stopwatch{site: site, inner: &http.Transport{MaxIdleConnsPerHost: 256, MaxIdleConns: 1024}}
}

// begin forgets what was recorded, and records from now on.
func (s *stopwatch) begin() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.times, s.order = map[string][]time.Duration{}, nil
}

func (s *stopwatch) record(step string, d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.times == nil {
		return
	}
	if s.times[step] == nil {
		s.order = append(s.order, step)
	}
	s.times[step] = append(s.times[step], d)
}

// RoundTrip sends a request and records the time until its answer was read.
func (s *stopwatch) RoundTrip(r *http.Request) (*http.Response, error) {
	begun := time.Now()
	answer, err := s.inner.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	answer.Body = &timedBody{answer.Body, func() { s.record(s.step(r), time.Since(begun)) }}
	return answer, nil
}

// step is the name of a kind of request: its method and path without secrets and
// addresses.
func (s *stopwatch) step(r *http.Request) string {
	path, where := r.URL.Path, ""
	if r.URL.Scheme+"://"+r.URL.Host != s.site {
		where = "provider "
	}
	for _, prefix := range []string{"/start/", "/api/v1/mailboxes/"} {
		if strings.HasPrefix(path, prefix) {
			path = prefix + "…"
		}
	}
	return where + r.Method + " " + path
}

// A timedBody calls done when it is closed.
type timedBody struct {
	io.ReadCloser
	done func()
}

func (b *timedBody) Close() error {
	b.done()
	return b.ReadCloser.Close()
}
