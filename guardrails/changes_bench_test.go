package guardrails_test

import (
	"context"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/guardrails"
)

// onHand has the guards that answer a step from what they have at hand, content.
func onHand(tb testing.TB) []guardrails.Guard {
	tb.Helper()
	names := make([]string, 100)
	for i := range names {
		names[i] = strconv.Itoa(i)
	}
	report := func(context.Context, string) (string, error) { return "v1", nil }
	health := &guardrails.MinHealthy{Percent: 66, PerLabel: "zone", Every: time.Hour, Probe: func(context.Context, guardrails.Target) (bool, error) { return true, nil }}
	for i, name := range names {
		health.Targets = append(health.Targets, guardrails.Target{Name: name, Labels: map[string]string{"zone": strconv.Itoa(i % 3)}})
	}
	validator := &guardrails.Validator{Validate: func(context.Context) error { return nil }}
	taste := &guardrails.Taste{Args: []string{"true"}}
	flap := &guardrails.Flap{}
	for range 20 {
		flap.Observe(true)
	}
	return []guardrails.Guard{
		guardrails.MaxExposure{Percent: 33.3, PerLabel: "zone"},
		&guardrails.KillSwitch{},
		guardrails.Domains{
			Label: "region", Pairs: [][2]string{{"eu-1", "eu-2"}, {"us-1", "us-2"}, {"us-3", "us-4"}, {"ap-1", ""}},
			ZoneLabel: "zone", Zones: map[string][]string{"ap-1": {"a", "b", "c"}, "eu-1": {"d", "e", "f"}, "eu-2": {"g", "h", "i"}},
		},
		&guardrails.DomainGap{Label: "region", Gap: time.Hour},
		guardrails.Fence{MaxAge: time.Hour},
		validator, taste, flap,
		&guardrails.Converged{Labels: map[string]string{"step": "flag"}, Targets: names, Report: report},
		&guardrails.Drift{Targets: names, Report: report, Every: time.Hour},
		health,
	}
}

// ledger is a Fleet that knows by heart, as fast as a rollout's.
type ledger map[[2]string]guardrails.Tally

func (l ledger) Tally(label, value string) guardrails.Tally { return l[[2]string{label, value}] }

func aStep() guardrails.Action {
	return guardrails.Action{
		Verb: guardrails.Deploy, Rollout: "r", Service: "s", From: "v1", To: "v2", Wave: 1, Target: "7", Weight: 1, Issued: time.Now(), Sequence: 7,
		Labels: map[string]string{"region": "ap-1", "zone": "a"},
		Fleet: ledger{
			{"", ""}: hosts(3, 300), {"region", "ap-1"}: hosts(3, 90), {"zone", "a"}: hosts(3, 30), {"zone", "b"}: hosts(0, 30), {"zone", "c"}: hosts(0, 30),
		},
	}
}

// What is at hand is answered in less than a microsecond.
func BenchmarkChangeGuards(b *testing.B) {
	act := aStep()
	for _, g := range onHand(b) {
		b.Run(guardrails.Name(g), func(b *testing.B) {
			ctx := b.Context()
			require.NoError(b, g.Check(ctx, act))
			b.ReportAllocs()
			for b.Loop() {
				if g.Check(ctx, act) != nil {
					b.Fatal()
				}
			}
		})
	}
	b.Run("all", func(b *testing.B) {
		guards, ctx := onHand(b), b.Context()
		b.ReportAllocs()
		for b.Loop() {
			if breach := guardrails.Check(ctx, guards, act); breach != nil {
				b.Fatal(breach)
			}
		}
	})
}

// All of them have a name of their own, a self-test, and settings that can be wrong; and
// what their zero values mind, they hold.
func TestChangeGuardsAreWhole(t *testing.T) {
	guards := onHand(t)
	require.Empty(t, guardrails.Untested(guards...))
	require.NoError(t, guardrails.SelfTest(t.Context(), guards...))
	act := aStep()
	require.Nil(t, guardrails.Check(t.Context(), guards, act))
	seen := map[string]bool{}
	for _, g := range guards {
		name := guardrails.Name(g)
		require.NotContains(t, name, fmt.Sprintf("%T", g))
		require.False(t, seen[name], name)
		seen[name] = true
		require.LessOrEqual(t, testing.AllocsPerRun(100, func() { _ = g.Check(t.Context(), act) }), 3.0, name)
		require.Implements(t, (*interface {
			Problems(report func(path, msg string))
		})(nil), g)
	}
	for _, zero := range []guardrails.Guard{
		guardrails.MaxExposure{}, guardrails.Domains{}, &guardrails.DomainGap{}, guardrails.Fence{}, &guardrails.Validator{}, &guardrails.Taste{},
		&guardrails.Converged{}, &guardrails.Drift{}, &guardrails.MinHealthy{},
	} {
		refusal(t, zero, zero.Check(t.Context(), aStep()))
		require.ErrorIs(t, guardrails.SelfTest(t.Context(), zero), guardrails.ErrSelfTest, "%T", zero)
	}
}
