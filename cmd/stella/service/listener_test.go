package service

import "testing"

func TestMaxConns(t *testing.T) {
	t.Parallel()
	for files, want := range map[uint64]int{64: 32, 1024: 896, 65536: maxClients, 1 << 63: maxClients} {
		if got := maxConns(files); got != want {
			t.Errorf("%d connections for %d files, want %d", got, files, want)
		}
	}
}
