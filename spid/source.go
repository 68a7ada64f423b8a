package spid

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

// fetchTimeout limits a whole transfer.
const fetchTimeout = 30 * time.Second

// checkLocation returns an error if an aggregate must not be fetched from
// location. The aggregate is signed, but over plain http an attacker on the
// network could withhold new versions.
func checkLocation(location string) error {
	if !isURL(location) {
		if location == "" {
			return errors.New("registry of identity providers: neither a URL nor a file")
		}
		return nil
	}
	u, err := url.Parse(location)
	if err != nil {
		return fmt.Errorf("registry of identity providers: %w", err)
	}
	here := u.Hostname() == "localhost" || net.ParseIP(u.Hostname()).IsLoopback()
	if u.Host == "" || u.Scheme != "https" && !(u.Scheme == "http" && here) {
		return fmt.Errorf("registry of identity providers: %q is not an https URL", location)
	}
	return nil
}

func isURL(location string) bool { return strings.Contains(location, "://") }

func newClient() *http.Client {
	return &http.Client{
		Timeout:   fetchTimeout,
		Transport: &http.Transport{DisableKeepAlives: true, ForceAttemptHTTP2: true},
		CheckRedirect: func(req *http.Request, via []*http.Request) error {
			if req.URL.Scheme != "https" {
				return errors.New("redirected to a URL that is not https")
			}
			if len(via) > 5 {
				return errors.New("redirected too often")
			}
			return nil
		},
	}
}

// fetch returns the content at the location. It reads at most one byte more
// than the limit, so that the parser sees that it is too large.
func (s *Source) fetch(ctx context.Context, client *http.Client) ([]byte, error) {
	if !isURL(s.Location) {
		file, err := os.Open(s.Location)
		if err != nil {
			return nil, err // err contains the file name
		}
		defer file.Close()
		return io.ReadAll(io.LimitReader(file, maxAggregate+1))
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.Location, nil)
	if err != nil {
		return nil, err
	}
	response, err := client.Do(req)
	if err != nil {
		return nil, err // err contains the URL
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answered %s", s.Location, response.Status)
	}
	raw, err := io.ReadAll(io.LimitReader(response.Body, maxAggregate+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.Location, err)
	}
	return raw, nil
}
