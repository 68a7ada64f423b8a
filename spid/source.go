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

// fetchTimeout is for the whole of a transfer.
const fetchTimeout = 30 * time.Second

// checkLocation checks that an aggregate may be fetched from there. It is
// signed, but over plain http whoever stands between could keep us from new ones.
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
				return errors.New("redirected to something else than https")
			}
			if len(via) > 5 {
				return errors.New("redirected too often")
			}
			return nil
		},
	}
}

// fetch returns what is at the location, but no more of it than shows that it is
// too much.
func (s *Source) fetch(ctx context.Context, client *http.Client) ([]byte, error) {
	if !isURL(s.Location) {
		file, err := os.Open(s.Location)
		if err != nil {
			return nil, err // names the file
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
		return nil, err // names the URL
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
