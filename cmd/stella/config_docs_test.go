package main

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"stella/cmd/stella/config"
	"stella/store/storetest"
)

var write = flag.Bool("write", false, "write docs/configuration.md")

const configurationFile = "../../docs/configuration.md"

const configurationHead = `# Configuration

These are the variables of Stella, with the explanations of ` + "`stella serve --help`" + `. Each variable has a flag of the same name: ` +
	"`--public-url`" + ` for ` + "`STELLA_PUBLIC_URL`" + `. Several values are separated by commas. ` +
	`When the service starts, it reports everything that is missing or invalid at once.
`

// flags returns the flags that have a variable, by command.
func flags(t *testing.T) map[string][]*kong.Flag {
	t.Helper()
	all := map[string][]*kong.Flag{}
	for _, leaf := range newParser(t.Context(), &commands{}).Model.Leaves(false) {
		for _, f := range leaf.Flags {
			if len(f.Envs) > 0 {
				all[leaf.Path()] = append(all[leaf.Path()], f)
			}
		}
	}
	return all
}

// docs/configuration.md contains the help texts of all variables of all commands.
func TestConfigurationIsDocumented(t *testing.T) {
	t.Parallel()
	all := flags(t)
	want := configuration(all)
	if *write {
		storetest.Must(t, os.WriteFile(configurationFile, []byte(want), 0o644))
	}
	got, err := os.ReadFile(configurationFile)
	storetest.Must(t, err)
	if string(got) != want {
		t.Errorf("%s differs from the help texts: run \"go generate ./cmd/stella\"", configurationFile)
	}
	for command, flags := range all {
		for _, f := range flags {
			if !strings.Contains(string(got), "`"+f.Envs[0]+"`") {
				t.Errorf("%s of \"stella %s\" is not in %s", f.Envs[0], command, configurationFile)
			}
		}
	}
}

// configuration returns the text of docs/configuration.md.
func configuration(flags map[string][]*kong.Flag) string {
	var titles []string
	rows, seen := map[string]string{}, map[string]bool{}
	row := func(title string, f *kong.Flag) {
		if seen[f.Envs[0]] {
			return
		}
		seen[f.Envs[0]] = true
		if rows[title] == "" {
			titles = append(titles, title)
		}
		help := strings.ReplaceAll(f.Help, config.DefaultDir(), "/var/lib/stella for root, ~/.local/share/stella for other users")
		rows[title] += fmt.Sprintf("| `%s` | %s |\n", f.Envs[0], help)
	}
	for _, f := range flags["serve"] {
		row(f.Group.Title, f)
	}
	for _, f := range slices.Concat(flags["spid keygen"], flags["mail retry"]) {
		row("Other commands", f)
	}
	text := configurationHead
	for _, title := range titles {
		text += fmt.Sprintf("\n## %s\n\n| variable | |\n|---|---|\n%s", title, rows[title])
	}
	return text
}
