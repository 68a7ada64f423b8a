package service

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"stella/mail"
	"stella/store/storetest"
	"stella/webhook"
)

const operations = "../../../docs/operations/"

// metricNames returns the names of all metrics of a service.
func metricNames(t *testing.T) map[string]bool {
	t.Helper()
	names := map[string]bool{"stella_build_info": true}
	descs := make(chan *prometheus.Desc, 100)
	sender := &mail.Sender{Relay: &mail.Relay{}}
	all := append(slices.Concat(sender.EnableMetrics(), (&webhook.Sender{}).EnableMetrics()),
		newCounters(), &identityProviders{}, &databaseMetrics{}, &webhookMetrics{})
	for _, c := range all {
		c.Describe(descs)
	}
	close(descs)
	for d := range descs {
		names[regexp.MustCompile(`fqName: "(\w+)"`).FindStringSubmatch(d.String())[1]] = true
	}
	return names
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(operations + name)
	storetest.Must(t, err)
	return string(text)
}

// The dashboard and the alerts use only existing metrics, and the dashboard shows all
// of them.
func TestDashboardAndAlertsUseExistingMetrics(t *testing.T) {
	t.Parallel()
	all := metricNames(t)
	shown := map[string]bool{}
	for _, file := range []string{"dashboard.json", "alerts.yml"} {
		for _, name := range regexp.MustCompile(`\bstella_\w+`).FindAllString(read(t, file), -1) {
			name = regexp.MustCompile(`_(bucket|count|sum)$`).ReplaceAllString(name, "")
			if !all[name] {
				t.Errorf("%s uses %s, which is not a metric", file, name)
			}
			if file == "dashboard.json" {
				shown[name] = true
			}
		}
	}
	for name := range all {
		if !shown[name] {
			t.Errorf("the dashboard does not show %s", name)
		}
	}
}

func TestDashboardIsValid(t *testing.T) {
	t.Parallel()
	var d struct {
		Title  string
		Panels []struct {
			ID      int
			Type    string
			Title   string
			GridPos struct{ X, W int }
			Targets []struct{ Expr string }
		}
	}
	storetest.Must(t, json.Unmarshal([]byte(read(t, "dashboard.json")), &d))
	ids := map[int]bool{}
	for _, p := range d.Panels {
		if ids[p.ID] || p.Title == "" || p.GridPos.X+p.GridPos.W > 24 || p.Type != "row" && len(p.Targets) == 0 {
			t.Errorf("%+v", p)
		}
		ids[p.ID] = true
	}
	if d.Title != "Stella" || len(ids) < 10 {
		t.Errorf("%q with %d panels", d.Title, len(ids))
	}
}

// README.md has a section for every alert, and no others.
func TestAlertsAreDocumented(t *testing.T) {
	t.Parallel()
	readme := read(t, "README.md")
	alerts := regexp.MustCompile(`- alert: (\w+)\n`).FindAllStringSubmatch(read(t, "alerts.yml"), -1)
	if len(alerts) < 10 || len(alerts) != strings.Count(readme, "\n### Stella") {
		t.Errorf("%d alerts, %d sections", len(alerts), strings.Count(readme, "\n### Stella"))
	}
	for _, a := range alerts {
		if !strings.Contains(readme, "\n### "+a[1]+"\n\n") {
			t.Errorf("the alert %s has no section", a[1])
		}
	}
}
