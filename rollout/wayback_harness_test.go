package rollout_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/rollback"
	"github.com/tidegate-go/tidegate/rollout"
)

// badOnce is a source of a release that looks fine until n targets run it.
func badOnce(n int) analysis.Source {
	return analysis.SourceFunc(func(_ context.Context, w analysis.Window) (analysis.Observation, error) {
		bad := uint64(1)
		if len(w.Canary.Members) >= n {
			bad = 50
		}
		return analysis.Observation{At: w.End, Canary: analysis.Counts(bad, 100), Baseline: analysis.Counts(1, 100)}, nil
	})
}

// aWayBack is a plan from v1 to v2 that fails once n targets run v2, in waves of 1, 2,
// 4 and so on, and is taken back as the policy says.
func aWayBack(targets []rollout.Target, n int, policy rollback.Policy) rollout.Plan {
	plan := withSource(aPlan(targets, 0.01), badOnce(n))
	if policy.Timeout == 0 {
		policy.Timeout = time.Minute
	}
	plan.Rollback = policy
	return plan
}

// errorsOf is a gate of the way back: at most 30% errors, where a version has as many
// as rates says.
func errorsOf(rates map[string]float64) analysis.Gate {
	return gateOn(errorRate(rates))
}

func gateOn(s analysis.Source) analysis.Gate {
	return analysis.Gate{
		Bake:        analysis.Bake{AtLeast: 20 * time.Second},
		Checks:      []analysis.Check{{Name: "errors", Source: s, Judge: errorsBelow(0.3)}},
		NoPreflight: "what sees nothing is to be there on the way back",
	}
}

// diary notes who was called, in order. It is what mitigations and pages write in.
type diary struct {
	mu    sync.Mutex
	lines []string
}

func (d *diary) add(line string) {
	d.mu.Lock()
	d.lines = append(d.lines, line)
	d.mu.Unlock()
}

func (d *diary) read() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.lines)
}

// does is a mitigation that writes its name down and comes out so.
func (d *diary) does(name string, err error) rollback.Mitigation {
	return rollback.Mitigation{Name: name, Do: func(context.Context) error {
		d.add(name)
		return err
	}}
}

// page writes down what a human is told.
func (d *diary) page(_ context.Context, message string) error {
	d.add("page: " + message)
	return nil
}

// deploysOf returns the targets that got a version, in order.
func deploysOf(f *fleet, version string) (targets []string) {
	for _, d := range f.touched() {
		if name, ok := strings.CutSuffix(d, " "+version); ok {
			targets = append(targets, name)
		}
	}
	return targets
}

// runs carries a plan out on a fleet.
func runs(t *testing.T, f rollout.Deployer, plan rollout.Plan, observers ...rollout.Observer) (rollout.Result, error) {
	t.Helper()
	return aRunner(plan, f, &rollout.MemoryJournal{}, observers...).Run(t.Context())
}

// requireOn asserts how many targets run each version.
func requireOn(t *testing.T, f *fleet, want map[string]int) {
	t.Helper()
	got := make(map[string]int)
	for v := range want {
		got[v] = f.count(v)
	}
	require.Equal(t, want, got, "%v", f.touched())
}

// watched is a fleet that notes when the undo of each target began.
type watched struct {
	*fleet
	mu     sync.Mutex
	starts map[string]time.Time
}

func (w *watched) Deploy(ctx context.Context, t rollout.Target, r rollout.Release) error {
	if r.Undo {
		w.mu.Lock()
		w.starts[t.Name] = time.Now()
		w.mu.Unlock()
	}
	return w.fleet.Deploy(ctx, t, r)
}
