package guardrails_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/guardrails"
)

// timeGuards are the guards that go by time, by what has been and by what others say,
// each content, and with its answer in memory once it was asked.
func timeGuards(tb testing.TB) map[string]guardrails.Guard {
	tb.Helper()
	dead := &guardrails.DeadMan{Within: time.Hour}
	dead.Beat()
	beats := &guardrails.DeadMan{Within: time.Hour, Source: func(context.Context) (time.Time, error) { return time.Now(), nil }}
	every := []time.Weekday{0, 1, 2, 3, 4, 5, 6}
	return map[string]guardrails.Guard{
		"calendar": &guardrails.Calendar{
			Open:   []guardrails.Window{{Zone: "Europe/Berlin", Days: every, Begin: "00:00", End: "24:00"}},
			Frozen: []guardrails.Window{{From: time.Now().Add(100 * time.Hour), To: time.Now().Add(101 * time.Hour)}},
		},
		"rate":          guardrails.Rate{History: &memoryHistory{}, Max: 1, Per: time.Hour},
		"breaker":       guardrails.Breaker{History: &memoryHistory{}, Resets: filepath.Join(tb.TempDir(), "resets")},
		"error-budget":  &guardrails.ErrorBudget{Every: time.Hour, Budget: func(context.Context) (float64, error) { return 1, nil }},
		"retry-budget":  &guardrails.RetryBudget{Max: 10, Per: time.Hour},
		"no-incident":   &guardrails.NoIncident{Every: time.Hour, Sources: []guardrails.SwitchSource{&dial{}}},
		"approval":      &guardrails.Approval{Author: "alice", Need: 1, Every: time.Hour, Source: approvals(guardrails.Approved{At: time.Now(), Actor: "bob", Plan: "p"})},
		"dead-man":      dead,
		"dead-man/file": beats,
	}
}

// What a step costs that each of the guards is asked about, and all of them.
func BenchmarkTimeGuards(b *testing.B) {
	act := guardrails.Action{Verb: guardrails.Deploy, Service: "cart", Rollout: "r", Target: "host-1", Plan: "p"}
	var all []guardrails.Guard
	for name, guard := range timeGuards(b) {
		all = append(all, guard)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := guard.Check(b.Context(), act); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("all", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if breach := guardrails.Check(b.Context(), all, act); breach != nil {
				b.Fatal(breach)
			}
		}
	})
}

// Saying yes costs next to nothing.
func TestTimeGuardsAllocateLittle(t *testing.T) {
	act := guardrails.Action{Verb: guardrails.Deploy, Service: "cart", Rollout: "r", Target: "host-1", Plan: "p"}
	for name, guard := range timeGuards(t) {
		require.NoError(t, guard.Check(t.Context(), act), name)
		ctx := t.Context()
		require.LessOrEqual(t, testing.AllocsPerRun(100, func() { _ = guard.Check(ctx, act) }), 3.0, name)
	}
}

// Every one of them says no to nobody in particular: a plan that forgot to set it up
// does not get a guard that lets everything through.
func TestTimeGuardsZeroValues(t *testing.T) {
	for _, guard := range []guardrails.Guard{
		&guardrails.Calendar{}, guardrails.Rate{}, guardrails.Breaker{}, &guardrails.ErrorBudget{}, &guardrails.RetryBudget{},
		&guardrails.NoIncident{}, &guardrails.Approval{}, &guardrails.DeadMan{},
	} {
		act := guardrails.Action{Verb: guardrails.Start, Service: "cart", Plan: "p", Longest: time.Hour}
		breach := guardrails.Check(t.Context(), []guardrails.Guard{guard}, act)
		require.NotNil(t, breach, "%T", guard)
		require.Equal(t, guardrails.Hold, breach.Consequence)
		require.NotEmpty(t, breach.Runbook)
		for _, verb := range alwaysPass {
			act.Verb = verb
			require.Nil(t, guardrails.Check(t.Context(), []guardrails.Guard{guard}, act), "%T", guard)
		}
		_, tests := guard.(guardrails.SelfTester)
		require.True(t, tests, "%T", guard)
	}
}

// A check whose time is up says no, and at once.
func TestTimeGuardsWithoutTime(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("no time"))
	hang := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	for _, guard := range []guardrails.Guard{
		&guardrails.ErrorBudget{Budget: func(ctx context.Context) (float64, error) { return 1, hang(ctx) }},
		&guardrails.Approval{Author: "alice", Source: func(ctx context.Context) ([]guardrails.Approved, error) { return nil, hang(ctx) }},
		&guardrails.NoIncident{Sources: []guardrails.SwitchSource{guardrails.IncidentFunc("x", func(ctx context.Context) (string, error) { return "", hang(ctx) })}},
		guardrails.Rate{History: hangs{}, Max: 1, Per: time.Hour},
	} {
		begin := time.Now()
		require.ErrorContains(t, guard.Check(ctx, guardrails.Action{Verb: guardrails.Start, Service: "cart", Plan: "p"}), "no time", "%T", guard)
		require.Less(t, time.Since(begin), time.Second)
	}
}
