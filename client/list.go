package client

import (
	"context"
	"iter"
	"maps"
	"net/http"
	"net/url"
	"strconv"
)

// selection is the query of a list: how many items a page is to have, zero for
// as many as the API chooses, and what they are chosen by, names and values by
// turns. Whatever is empty chooses nothing.
func selection(limit int, by ...string) url.Values {
	query := url.Values{}
	for i := 0; i < len(by); i += 2 {
		if by[i+1] != "" {
			query.Set(by[i], by[i+1])
		}
	}
	if limit > 0 {
		query.Set("limit", strconv.Itoa(limit))
	}
	return query
}

// all walks a list of the API, page by page, each time from its beginning. A page
// is decoded into a P, of which read returns the items and the cursor of the next
// page, empty at the end. An error ends the walk.
func all[T, P any](ctx context.Context, c *Client, path string, query url.Values, read func(P) (items []T, next string)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		query := maps.Clone(query)
		for {
			r := newRequest(http.MethodGet, path, nil)
			r.query = query
			page, err := ask[P](ctx, c, r)
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			items, next := read(*page)
			for _, item := range items {
				if !yield(item, nil) {
					return
				}
			}
			if next == "" {
				return
			}
			query.Set("after", next)
		}
	}
}
