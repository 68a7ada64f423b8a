package qualification

import (
	"slices"
	"testing"
)

// If two rows had the same event and source, the second would never happen.
func TestTableRowsAreUnique(t *testing.T) {
	t.Parallel()
	type pair struct {
		event Event
		from  State
	}
	seen := map[pair]bool{}
	for _, row := range Transitions {
		for _, from := range row.From {
			if seen[pair{row.Event, from}] {
				t.Errorf("the table has two rows for %s from %s", row.Event, from)
			}
			seen[pair{row.Event, from}] = true
		}
	}
}

func TestTableStatesAreKnown(t *testing.T) {
	t.Parallel()
	for _, row := range Transitions {
		for _, s := range append(slices.Clone(row.From), row.To) {
			if !slices.Contains(States, s) {
				t.Errorf("%s: the state %s is not in States", row.Event, s)
			}
		}
		if row.Why == "" {
			t.Errorf("%s: the row does not say when it happens", row.Event)
		}
	}
}

func TestEveryStateIsReachable(t *testing.T) {
	t.Parallel()
	reached := map[State]bool{HolderChoice: true}
	for range States {
		for _, row := range Transitions {
			for _, from := range row.From {
				if reached[from] {
					reached[row.To] = true
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
