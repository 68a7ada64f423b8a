package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
)

// A comparison is what several programs have needed for the same work.
type comparison struct {
	Programs []string `json:"programs"` // the first is the one that is compared
	Tables   []table  `json:"tables"`
	Reports  []report `json:"reports"` // of each turn
}

// A table has the medians of one load.
type table struct {
	Mode   string `json:"mode"`
	AtOnce int    `json:"at_once"`
	Unit   string `json:"unit"`
	Rows   []row  `json:"rows"`
}

// A row has the medians of a figure by program, and the quotients of the first program
// and each other.
type row struct {
	Name   string             `json:"name"`
	Median map[string]float64 `json:"median"`
	Ratio  map[string]float64 `json:"ratio"`
}

// A turn is a load that each program does in turn.
type turn struct {
	mode   mode
	atOnce int
	n      int
	span   time.Duration
}

// compare measures several programs in turns and prints their medians.
func compare(ctx context.Context, args []string) (err error) {
	flags := flag.NewFlagSet("compare", flag.ContinueOnError)
	stella := flags.String("stella", "bin/stella", "the program")
	base := flags.String("base", "", "another version of it")
	rounds := flags.Int("rounds", 5, "number of rounds, of which the median counts")
	levels := flags.String("at-once", "1,8,32", "numbers of holders at once")
	span := flags.Duration("for", 6*time.Second, "duration of a turn")
	codes := flags.Int("codes", 100, "number of qualifications of a turn of code")
	mailboxes := flags.Int("import", 100_000, "number of mailboxes of an import")
	only := flags.String("modes", "whole,code,status,import", "modes")
	asJSON := flags.Bool("json", false, "print JSON")
	keep := flags.Bool("keep", false, "keep the files, with the logs")
	if err := flags.Parse(args); err != nil {
		return err
	}
	turns, err := turnsOf(strings.Split(*only, ","), strings.Split(*levels, ","), *span, *codes, *mailboxes)
	if err != nil {
		return err
	}
	w, err := newWorld(ctx)
	defer func() { err = errors.Join(err, w.close(*keep)) }()
	if err != nil {
		return err
	}
	programs, err := newPrograms(ctx, w, *stella, *base)
	if err != nil {
		return err
	}
	c, err := takeTurns(ctx, programs, turns, *rounds)
	if err != nil {
		return err
	}
	if *asJSON {
		e := json.NewEncoder(os.Stdout)
		e.SetIndent("", "  ")
		return e.Encode(c)
	}
	return c.print(os.Stdout)
}

// turnsOf returns the turns of a round.
func turnsOf(modes, levels []string, span time.Duration, codes, mailboxes int) (all []turn, err error) {
	for _, name := range modes {
		switch name {
		case status.name:
			all = append(all, turn{mode: status, atOnce: 20, span: span})
			continue
		case imports.name:
			all = append(all, turn{mode: imports, atOnce: 1, n: mailboxes})
			continue
		case whole.name, code.name:
		default:
			return nil, fmt.Errorf("there is no mode %q", name)
		}
		for _, level := range levels {
			atOnce, err := strconv.Atoi(level)
			if err != nil || atOnce < 1 {
				return nil, fmt.Errorf("%q is no number of holders", level)
			}
			if name == code.name {
				all = append(all, turn{mode: code, atOnce: atOnce, n: codes})
			} else {
				all = append(all, turn{mode: whole, atOnce: atOnce, span: span})
			}
		}
	}
	return all, nil
}

// newPrograms prepares the Stellas and the floor.
func newPrograms(ctx context.Context, w *world, stella, base string) (all []*subject, err error) {
	s, err := newStella(ctx, w, "stella", stella)
	if err != nil {
		return nil, err
	}
	all = append(all, s)
	if base != "" {
		b, err := newStella(ctx, w, "base", base)
		if err != nil {
			return nil, err
		}
		all = append(all, b)
	}
	recording := w.file("recording.json")
	if err := record(ctx, s, recording); err != nil {
		return nil, err
	}
	f, err := newFloor(ctx, s, recording)
	return append(all, f), err
}

// compareMailboxes is the number of mailboxes in the databases of a comparison.
const compareMailboxes = 100_000

// takeTurns does the rounds. Round trips are counted once, at the end, because the proxy
// changes the other figures.
func takeTurns(ctx context.Context, programs []*subject, turns []turn, rounds int) (c comparison, err error) {
	for _, p := range programs {
		c.Programs = append(c.Programs, p.name)
	}
	for round := range rounds {
		for _, t := range turns {
			for i := range programs {
				p := programs[(i+round)%len(programs)]
				r, err := t.run(ctx, p)
				if err != nil {
					return c, err
				}
				fmt.Fprintf(os.Stderr, "round %d of %d: %s, %d at once, %s: %s per second\n",
					round+1, rounds, t.mode.name, t.atOnce, p.name, figure(r.PerSecond))
				c.Reports = append(c.Reports, r)
			}
		}
	}
	trips, err := countTrips(ctx, programs, turns)
	if err != nil {
		return c, err
	}
	for _, t := range turns {
		c.Tables = append(c.Tables, c.table(t, trips[t.mode.name]))
	}
	return c, nil
}

// run measures a program. A turn that fails is repeated once, because a machine with other
// work may be too slow for the minute of a code.
func (t turn) run(ctx context.Context, p *subject) (r report, err error) {
	for range 2 {
		r, err = t.mode.run(ctx, p, options{atOnce: t.atOnce, n: t.n, span: t.span, mailboxes: compareMailboxes})
		if err == nil || ctx.Err() != nil {
			break
		}
		err = fmt.Errorf("%s, %s: %w", p.name, t.mode.name, err)
		fmt.Fprintln(os.Stderr, "a turn has failed:", err)
	}
	return r, err
}

// countTrips counts the round trips of each mode by program.
func countTrips(ctx context.Context, programs []*subject, turns []turn) (map[string]map[string]float64, error) {
	all := map[string]map[string]float64{}
	for _, p := range programs {
		if err := p.addProxy(0); err != nil {
			return nil, err
		}
		for _, t := range turns {
			if all[t.mode.name][p.name] > 0 {
				continue
			}
			o := options{atOnce: 4, n: 24, mailboxes: compareMailboxes}
			switch t.mode.name {
			case imports.name:
				o.n = t.n
			case status.name:
				o.n = 2000 // so that those of new connections do not count
			}
			r, err := t.mode.run(ctx, p, o)
			if err != nil {
				return nil, err
			}
			if all[t.mode.name] == nil {
				all[t.mode.name] = map[string]float64{}
			}
			all[t.mode.name][p.name] = r.RoundTrips
		}
	}
	return all, nil
}

// table returns the medians of a turn.
func (c comparison) table(t turn, trips map[string]float64) table {
	result := table{Mode: t.mode.name, AtOnce: t.atOnce}
	values := map[string]map[string][]float64{} // by figure and program
	var order []string
	for _, r := range c.Reports {
		if r.Mode != t.mode.name || r.AtOnce != t.atOnce {
			continue
		}
		result.Unit = r.Unit
		r.RoundTrips = trips[r.Program]
		for _, f := range r.figures() {
			if values[f.name] == nil {
				values[f.name] = map[string][]float64{}
				order = append(order, f.name)
			}
			values[f.name][r.Program] = append(values[f.name][r.Program], f.value)
		}
	}
	for _, name := range order {
		one := row{Name: name, Median: map[string]float64{}, Ratio: map[string]float64{}}
		for program, all := range values[name] {
			one.Median[program] = median(all)
		}
		for _, other := range c.Programs[1:] {
			if m := one.Median[other]; m > 0 {
				one.Ratio[other] = one.Median[c.Programs[0]] / m
			}
		}
		result.Rows = append(result.Rows, one)
	}
	return result
}

// median returns the middle of some values, or the mean of the two in the middle.
func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

func (c comparison) print(w io.Writer) error {
	for _, one := range c.Tables {
		t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
		fmt.Fprintf(w, "\n%s, %d at once, for one %s\n", one.Mode, one.AtOnce, one.Unit)
		fmt.Fprint(t, "\t")
		for _, p := range c.Programs {
			fmt.Fprint(t, p, "\t")
		}
		for _, other := range c.Programs[1:] {
			fmt.Fprint(t, c.Programs[0], "/", other, "\t")
		}
		fmt.Fprintln(t)
		for _, r := range one.Rows {
			fmt.Fprint(t, r.Name, "\t")
			for _, p := range c.Programs {
				fmt.Fprint(t, orDash(r.Median, p), "\t")
			}
			for _, other := range c.Programs[1:] {
				fmt.Fprint(t, orDash(r.Ratio, other), "\t")
			}
			fmt.Fprintln(t)
		}
		if err := t.Flush(); err != nil {
			return err
		}
	}
	return nil
}

func orDash(values map[string]float64, name string) string {
	if v, ok := values[name]; ok {
		return figure(v)
	}
	return "–"
}
