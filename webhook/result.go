package webhook

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"syscall"
	"time"
)

// Result is the result of an attempt. It contains only the status and Retry-After
// of the response, because the rest may contain anything.
type Result struct {
	Status     int           // 0 if there was no response
	RetryAfter time.Duration // 0 if the response has none
	Err        error         // why there was no response
}

// Delivered reports whether the receiver accepted the event: any 2xx status.
func (r Result) Delivered() bool { return r.Status/100 == 2 }

// String describes the result for operators. It contains no text that the receiver
// sent.
func (r Result) String() string {
	switch {
	case r.Err != nil:
		return reason(r.Err)
	case r.Status/100 == 3:
		return fmt.Sprintf("%d %s, and redirects are not followed", r.Status, http.StatusText(r.Status))
	case http.StatusText(r.Status) == "":
		return strconv.Itoa(r.Status)
	}
	return fmt.Sprintf("%d %s", r.Status, http.StatusText(r.Status))
}

// reason describes why there was no response, in fixed texts: errors of net/http may
// quote bytes that the receiver sent.
func reason(err error) string {
	var url urlError
	var address *AddressError
	var name *net.DNSError
	var authority x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	var alert tls.AlertError
	var record tls.RecordHeaderError
	var network net.Error
	switch {
	case errors.As(err, &url):
		return url.Error()
	case errors.Is(err, errKeyGone):
		return errKeyGone.Error()
	case errors.As(err, &address):
		return address.Error()
	case errors.As(err, &name) && name.IsNotFound:
		return "its name does not exist"
	case errors.As(err, &name):
		return "its name could not be resolved"
	case errors.As(err, &authority):
		return "its certificate is of an authority that is not known"
	case errors.As(err, &host):
		return "its certificate is for another name"
	case errors.As(err, &invalid):
		return "its certificate is expired or not valid"
	case errors.As(err, &alert), errors.As(err, &record):
		return "no TLS could be agreed on"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "the connection was refused"
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &network) && network.Timeout():
		return "no answer in time"
	}
	return "the connection ended without an answer in HTTP"
}

// retryAfterOf returns the wait that the Retry-After header requests, in seconds or
// as a date (RFC 9110, section 10.2.3); 0 if it is absent or malformed.
func retryAfterOf(h http.Header, now time.Time) time.Duration {
	text := h.Get("Retry-After")
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(at.Sub(now), 0)
	}
	return 0
}
