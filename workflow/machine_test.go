package workflow

import (
	"slices"
	"testing"
)

// If two rows have the same event and source, looplab/fsm silently uses the later one.
func TestTableRowsAreUnique(t *testing.T) {
	t.Parallel()
	seen := map[[2]string]bool{}
	for _, row := range Events {
		for _, src := range row.Src {
			key := [2]string{row.Name, src}
			if seen[key] {
				t.Errorf("the table has two rows for %s from %s", row.Name, src)
			}
			seen[key] = true
		}
	}
}

func TestTableStatesAreKnown(t *testing.T) {
	t.Parallel()
	for _, row := range Events {
		for _, s := range append(slices.Clone(row.Src), row.Dst) {
			if !slices.Contains(States, State(s)) {
				t.Errorf("%s: the state %s is not in States", row.Name, s)
			}
		}
	}
}

func TestEveryStateIsReachable(t *testing.T) {
	t.Parallel()
	reached := map[State]bool{HolderChoice: true}
	for range States {
		for _, row := range Events {
			for _, src := range row.Src {
				if reached[State(src)] {
					reached[State(row.Dst)] = true
				}
			}
		}
	}
	for _, s := range States {
		if !reached[s] {
			t.Errorf("no event leads to %s", s)
		}
	}
}

func TestEveryUnfinishedStateTimesOut(t *testing.T) {
	t.Parallel()
	for _, s := range States {
		_, err := next(s, TimedOut)
		finished := s == Qualified || s == Revoked || s == Expired
		if want := !finished && s != UnderReview; want != (err == nil) {
			t.Errorf("%s: times out %v, want %v", s, err == nil, want)
		}
	}
}

func TestUnknownStateIsAnError(t *testing.T) {
	t.Parallel()
	if _, err := next("holder_choise", HolderDeclared); err == nil {
		t.Error("a misspelled state was accepted")
	}
}
