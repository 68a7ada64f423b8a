package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"stella/spid/spidtest"
)

// serveProvider runs the identity provider until ctx ends. It prints its URL.
func serveProvider(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("provider", flag.ContinueOnError)
	listen := flags.String("listen", "127.0.0.1:0", "address to listen on")
	site := flags.String("site", "", "URL of the Stella whose logins are answered")
	metadata := flags.String("metadata", "", "file to which the provider's metadata are written, for STELLA_SPID_PROVIDERS")
	if err := flags.Parse(args); err != nil {
		return err
	}
	l, err := net.Listen("tcp", *listen)
	if err != nil {
		return err
	}
	// Another host than that of Stella, because a real provider is another site too.
	url := strings.Replace("http://"+l.Addr().String(), "127.0.0.1", "localhost", 1)
	p, err := spidtest.New(spidtest.Config{BaseURL: url, People: people(), ServiceProvider: readOnce(*site + "/spid/metadata")})
	if err != nil {
		return err
	}
	if *metadata != "" {
		if err := os.WriteFile(*metadata, p.Metadata(), 0o644); err != nil {
			return err
		}
	}
	return serveUntil(ctx, l, p, url)
}

// people are those who log in.
func people() []spidtest.Person { return spidtest.DemoPeople() }

// readOnce returns a function that reads a URL at its first call that succeeds.
func readOnce(url string) func() ([]byte, error) {
	var mu sync.Mutex
	var known []byte
	return func() ([]byte, error) {
		mu.Lock()
		defer mu.Unlock()
		if known != nil {
			return known, nil
		}
		r, err := http.Get(url)
		if err != nil {
			return nil, err
		}
		defer r.Body.Close()
		if r.StatusCode != http.StatusOK {
			return nil, fmt.Errorf("%s: %s", url, r.Status)
		}
		known, err = io.ReadAll(r.Body)
		return known, err
	}
}

// serveUntil prints a line and serves requests until ctx ends.
func serveUntil(ctx context.Context, l net.Listener, h http.Handler, line string) error {
	server := &http.Server{Handler: h, ReadHeaderTimeout: time.Minute}
	stopped := context.AfterFunc(ctx, func() { server.Close() })
	defer stopped()
	fmt.Println(line)
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
