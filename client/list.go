package client

import (
	"context"
	"iter"
	"net/http"
	"net/url"
)

// all walks a list of the API, page by page. A page is decoded into a P, of
// which read returns the items and the cursor of the next page, empty at the
// end. An error ends the walk.
func all[T, P any](ctx context.Context, c *Client, path string, query url.Values, read func(P) (items []T, next string)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for {
			var page P
			r := newRequest(http.MethodGet, path, nil)
			r.query = query
			if _, err := c.do(ctx, r, &page); err != nil {
				var none T
				yield(none, err)
				return
			}
			items, next := read(page)
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
