package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"

	"stella/cmd/stella-bench/floor"
)

// A recorder sends requests and keeps the answers of a site.
type recorder struct {
	site      string
	inner     http.RoundTripper
	recording floor.Recording
}

func (t *recorder) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := t.inner.RoundTrip(r)
	if err != nil || "http://"+r.URL.Host != t.site || strings.HasPrefix(r.URL.Path, "/api/") {
		return answer, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, err
	}
	answer.Body = io.NopCloser(bytes.NewReader(body))
	header := answer.Header.Clone()
	for _, name := range []string{"Set-Cookie", "Date", "Content-Length"} {
		header.Del(name)
	}
	t.recording = append(t.recording,
		floor.Exchange{Method: r.Method, Path: r.URL.Path, Status: answer.StatusCode, Header: header, Body: body})
	return answer, nil
}

// addMails adds the mails that have arrived to the last form that was sent.
func (t *recorder) addMails(ctx context.Context, in inbox) error {
	if err := in.drain(ctx); err != nil {
		return err
	}
	all, err := in.mails(ctx)
	if err != nil {
		return err
	}
	for i := len(t.recording) - 1; i >= 0; i-- {
		if t.recording[i].Method != http.MethodPost {
			continue
		}
		for _, m := range all {
			one := floor.Mail{Message: m.Message}
			if found := codeLine.FindSubmatch(m.Message); found != nil {
				one.Code = string(found[1])
			}
			for range m.To {
				t.recording[i].Mails = append(t.recording[i].Mails, one)
			}
		}
		return nil
	}
	return errors.New("mails arrived before a form was sent")
}
