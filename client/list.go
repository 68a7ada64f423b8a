package client

import (
	"context"
	"iter"
	"maps"
	"net/http"
	"net/url"
	"strconv"
)

// listQuery returns the query of a list. limit is the number of items on a page; 0
// means the API's default. filters are names and values in turn; empty values are
// left out.
func listQuery(limit int, filters ...string) url.Values {
	query := url.Values{}
	for i := 0; i < len(filters); i += 2 {
		if filters[i+1] != "" {
			query.Set(filters[i], filters[i+1])
		}
	}
	if limit > 0 {
		query.Set("limit", strconv.Itoa(limit))
	}
	return query
}

// paginate returns an iterator over a list of the API. It fetches page after page,
// each time from the beginning of the list. A page is decoded into a P; read
// returns its items and the cursor of the next page, or "" for the last page. An
// error ends the iteration.
func paginate[T, P any](
	ctx context.Context, c *Client, path string, query url.Values, read func(P) (items []T, next string),
) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		query := maps.Clone(query)
		for {
			r := newRequest(http.MethodGet, path, nil)
			r.query = query
			page, err := call[P](ctx, c, r)
			if err != nil {
				var zero T
				yield(zero, err)
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
