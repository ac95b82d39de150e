package rollout_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/guardrails"
	"github.com/tidegate-go/tidegate/rollout"
)

// zoned is a fleet that knows which of its targets are being changed.
type zoned struct {
	*fleet
	mu    sync.Mutex
	down  map[string]string // the zone of each
	worst int               // the most of one zone that were down at once
}

func (d *zoned) Deploy(ctx context.Context, t rollout.Target, r rollout.Release) error {
	d.mu.Lock()
	d.down[t.Name] = t.Labels["zone"]
	n := 0
	for _, zone := range d.down {
		if zone == t.Labels["zone"] {
			n++
		}
	}
	d.worst = max(d.worst, n)
	d.mu.Unlock()
	defer func() {
		d.mu.Lock()
		delete(d.down, t.Name)
		d.mu.Unlock()
	}()
	return d.fleet.Deploy(ctx, t, r)
}

func (d *zoned) healthy(_ context.Context, t guardrails.Target) (bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.down[t.Name] == "", nil
}

// Many guards over one rollout do not get in each other's way: a good release comes
// through, a bad one is taken back, the floor under each zone holds, and a change by
// other hands holds everything until it is undone.
func TestManyGuardsOverOneRollout(t *testing.T) {
	for _, c := range []struct {
		rate     float64
		mischief bool
	}{{0.01, false}, {0.01, true}, {0.5, false}, {0.5, true}} {
		t.Run(fmt.Sprintf("%g%% of errors, other hands %v", 100*c.rate, c.mischief), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, targets := newFleet(60, "v1")
				f.takes = 10 * time.Second
				d := &zoned{fleet: f, down: map[string]string{}}
				plan := aPlan(targets, c.rate)
				plan.Release.Issued, plan.Release.Sequence = time.Now().Add(-time.Hour), 7
				plan.Concurrency, plan.HoldAtMost = 20, 2*time.Hour
				var names []string
				var probed []guardrails.Target
				for _, one := range targets {
					names = append(names, one.Name)
					probed = append(probed, guardrails.Target{Name: one.Name, Labels: one.Labels})
				}
				report := func(ctx context.Context, name string) (string, error) {
					return f.Version(ctx, rollout.Target{Name: name})
				}
				plan.Guards = []guardrails.Guard{
					&guardrails.Drift{Targets: names, Report: report},
					&guardrails.MinHealthy{Percent: 80, PerLabel: "zone", Targets: probed, Probe: d.healthy},
					&guardrails.DomainGap{Label: "zone", Gap: 5 * time.Minute},
					guardrails.Fence{MaxAge: 24 * time.Hour, Seen: func(context.Context, string) (uint64, error) { return 6, nil }},
					&guardrails.Flap{},
					&guardrails.Validator{Validate: func(context.Context) error { return nil }},
					&guardrails.Converged{Labels: map[string]string{"flag": "on"}, Targets: names, Report: report},
					&guardrails.KillSwitch{},
					guardrails.MaxExposure{Percent: 60},
				}
				view := &folds{}
				done := inBackground(t.Context(), aRunner(plan, d, &rollout.MemoryJournal{}, view))
				change := func(version string) {
					f.mu.Lock()
					defer f.mu.Unlock()
					f.versions["web-60"] = version
				}
				if c.mischief {
					time.Sleep(3 * time.Minute)
					change("v9")
					if c.rate < 0.1 {
						eventually(t, time.Hour, func() bool { return view.held("guard:drift") }, "held by what others did")
						before := f.count("v2")
						time.Sleep(time.Hour / 2)
						require.LessOrEqual(t, f.count("v2"), before+plan.Concurrency, "what was in flight may land")
					}
					change("v1")
				}
				o := <-done
				if c.rate > 0.1 {
					require.ErrorIs(t, o.err, rollout.ErrRolledBack)
					requireAll(t, f, "v1")
				} else {
					require.NoError(t, o.err)
					requireAll(t, f, "v2")
				}
				require.LessOrEqual(t, d.worst, 4, "of 20 in a zone, 80% have to serve")
			})
		})
	}
}
