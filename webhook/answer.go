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

// Answer is what came of an attempt. Of what a receiver says its status alone
// is kept: the rest may be anything.
type Answer struct {
	Status     int           // 0 where there was no answer
	RetryAfter time.Duration // that was asked for, if any
	Err        error         // why there was no answer
}

// Delivered reports whether the receiver took the event over.
func (a Answer) Delivered() bool { return a.Status/100 == 2 }

// String says it in words of ours.
func (a Answer) String() string {
	switch {
	case a.Err != nil:
		return reason(a.Err)
	case a.Status/100 == 3:
		return fmt.Sprintf("%d %s, and redirects are not followed", a.Status, http.StatusText(a.Status))
	case http.StatusText(a.Status) == "":
		return strconv.Itoa(a.Status)
	}
	return fmt.Sprintf("%d %s", a.Status, http.StatusText(a.Status))
}

// reason tells why there was no answer. Errors of net/http may quote what the
// receiver said.
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

// retryAfterOf is what an answer asks for: RFC 9110, section 10.2.3.
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
