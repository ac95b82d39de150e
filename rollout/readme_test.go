package rollout_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/analysis/scrape"
	"github.com/tidegate-go/tidegate/guardrails"
	"github.com/tidegate-go/tidegate/rollout"
	"github.com/tidegate-go/tidegate/rollout/filejournal"
)

// The README's program: a complete rollout.
func Example() {
	fleet := startFleet(20, "v41") // stands for yours: 20 HTTP servers with /metrics
	defer fleet.Close()
	errors := &scrape.Counters{
		URL:    fleet.MetricsURL,
		Total:  scrape.Counter{Name: "http_requests_total"},
		Events: scrape.Counter{Name: "http_requests_total", Match: map[string]string{"code": "5.."}},
	}
	stop := guardrails.KillSwitch{Sources: []guardrails.SwitchSource{guardrails.File(fleet.Dir + "/STOP")}}
	runner := rollout.Runner{
		Plan: rollout.Plan{
			Name:    "checkout-v42",
			Release: rollout.Release{Service: "checkout", From: "v41", To: "v42"},
			Targets: fleet.Targets(),
			Waves:   rollout.OneThenDouble(),
			Gate: analysis.Gate{
				Interval: 20 * time.Millisecond, // yours: 10 seconds
				Bake:     analysis.Bake{AtLeast: 50 * time.Millisecond, AtMost: time.Minute},
				Checks:   []analysis.Check{{Name: "errors", Source: errors, Judge: analysis.NotWorse{Detect: 2}}},
			},
			Guards: []guardrails.Guard{guardrails.MaxExposure{Percent: 33}, &stop},
		},
		Deployer: fleet, // your Deploy(ctx, target, release)
		Journal:  filejournal.Dir(fleet.Dir),
	}
	result, err := runner.Run(context.Background())
	fmt.Println(result.Phase, result.Updated, "of", result.Targets, err)
	// Output: completed 20 of 20 <nil>
}

// TestTheReadmeIsTrue holds the README to the program above.
func TestTheReadmeIsTrue(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join("..", "README.md"))
	require.NoError(t, err)
	source, err := os.ReadFile("readme_test.go")
	require.NoError(t, err)
	_, program, _ := strings.Cut(string(source), "\tdefer fleet.Close()")
	program, _, _ = strings.Cut(program, "\t// Output:")
	program = strings.ReplaceAll(program, "\n\t", "\n")
	require.Contains(t, string(readme), strings.TrimSpace(program), "README.md shows another program than Example runs")
}

// exampleFleet is 20 servers that answer for their requests, one error in a
// hundred, and can be told which version to run.
type exampleFleet struct {
	Dir string

	mu       sync.Mutex
	servers  map[string]*httptest.Server
	versions map[string]string
	targets  []rollout.Target
}

func startFleet(n int, version string) *exampleFleet {
	dir, err := os.MkdirTemp("", "tidegate-example")
	if err != nil {
		panic(err)
	}
	f := &exampleFleet{Dir: dir, servers: make(map[string]*httptest.Server), versions: make(map[string]string)}
	for i := range n {
		name := fmt.Sprintf("web-%02d", i+1)
		requests := 0
		f.servers[name] = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			f.mu.Lock()
			defer f.mu.Unlock()
			requests += 1000
			w.Header().Set("Content-Type", "text/plain; version=0.0.4")
			fmt.Fprintf(w, "# TYPE http_requests_total counter\nhttp_requests_total{code=\"200\"} %d\nhttp_requests_total{code=\"500\"} %d\n", requests*99/100, requests/100)
		}))
		f.versions[name] = version
		f.targets = append(f.targets, rollout.Target{Name: name})
	}
	return f
}

func (f *exampleFleet) Targets() []rollout.Target { return f.targets }

func (f *exampleFleet) MetricsURL(target string) string { return f.servers[target].URL + "/metrics" }

func (f *exampleFleet) Deploy(_ context.Context, t rollout.Target, r rollout.Release) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.versions[t.Name] = r.To
	return nil
}

func (f *exampleFleet) Version(_ context.Context, t rollout.Target) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.versions[t.Name], nil
}

func (f *exampleFleet) Close() {
	for _, s := range f.servers {
		s.Close()
	}
	os.RemoveAll(f.Dir)
}
