package rollout_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/guardrails"
	"github.com/tidegate-go/tidegate/rollback"
	"github.com/tidegate-go/tidegate/rollout"
)

// pager is a source of incidents.
type pager struct{ burns *atomic.Bool }

func (pager) Name() string { return "pager" }

func (p pager) Read(context.Context) (bool, string, error) {
	return p.burns.Load(), "orders are lost", nil
}

// Everything that the bad version has set off at once: the alarms ring, a freeze is
// declared, the approval is withdrawn, the budget is spent, the heartbeat stops, the
// metrics are gone, the disk of the journal is slow, and who started it all presses
// ctrl-C. The rollback goes on to its end.
func TestARollbackGoesOnThroughEverythingThatTheBadVersionSetsOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(20, "v1")
		var burns, slow atomic.Bool
		orders := analysis.SourceFunc(func(_ context.Context, w analysis.Window) (analysis.Observation, error) {
			if burns.Load() {
				return analysis.Observation{}, errors.New("connection refused")
			}
			return analysis.Observation{At: w.End, Canary: analysis.Sample{Kind: analysis.ValueKind, Value: 5000}}, nil
		})
		plan := aWayBack(targets, 99, rollback.Policy{
			Canary: gateOn(orders),
			Fast:   []rollback.Mitigation{(&diary{}).does("shift", nil)},
		})
		now := time.Now()
		plan.Guards = []guardrails.Guard{
			&guardrails.Calendar{Frozen: []guardrails.Window{{Name: "incident", From: now.Add(140 * time.Second), To: now.Add(24 * time.Hour)}}},
			&guardrails.NoIncident{Sources: []guardrails.SwitchSource{pager{&burns}}},
			&guardrails.Metric{Of: analysis.Check{Name: "orders", Source: orders, Judge: analysis.Above(1000)}},
			&guardrails.DeadMan{Within: time.Minute, Source: func(context.Context) (time.Time, error) {
				if burns.Load() {
					return now, nil
				}
				return time.Now(), nil
			}},
			&guardrails.ErrorBudget{Budget: func(context.Context) (float64, error) {
				if burns.Load() {
					return 0, nil
				}
				return 1, nil
			}},
			guardrails.MaxExposure{Percent: 40},
			guard{"approval", func(_ context.Context, act guardrails.Action) error {
				if burns.Load() && !act.Verb.Backward() {
					return &guardrails.Breach{Guard: "approval", Reason: "ann has withdrawn it"}
				}
				return nil
			}},
		}
		j := &faultyJournal{fault: func(_ int, events []rollout.Event) (int, error) {
			if slow.Load() {
				time.Sleep(2 * time.Second)
			}
			return len(events), nil
		}}
		ctx, cancel := context.WithCancel(t.Context())
		r := aRunner(plan, f, j)
		done := inBackground(ctx, r)
		eventually(t, time.Hour, func() bool { return f.count("v2") == 7 }, "three waves")
		burns.Store(true)
		slow.Store(true)
		time.Sleep(5 * time.Second)
		if f.count("v1") == 13 {
			_ = r.Command(t.Context(), rollout.Command{Verb: rollout.RollBack, Actor: "ann", Reason: "orders are lost"})
		}
		cancel()
		o := <-done
		require.ErrorIs(t, o.err, rollout.ErrRolledBack)
		requireAll(t, f, "v1")
		require.Equal(t, 7, o.result.Undone)
		require.Less(t, o.result.TimeToRollBack, 3*time.Minute, "slow, but not held up")
		for _, ev := range j.durable() {
			if ev.Kind == rollout.Breached && ev.At.After(o.result.Times.Failed.Add(15*time.Second)) {
				require.Failf(t, "a guard minds the rollback", "%s: %s", ev.Breach.Guard, ev.Breach.Reason)
			}
		}
	})
}

// A second rollout of the same fleet that is refused by everything is taken back all the
// same, by the next process, after a crash.
func TestARollbackGoesOnInAnotherProcessInsideAFreeze(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(20, "v1")
		plan := aWayBack(targets, 7, rollback.Policy{})
		frozen := &guardrails.Calendar{Frozen: []guardrails.Window{{Name: "incident", From: time.Now().Add(time.Hour), To: time.Now().Add(24 * time.Hour)}}}
		plan.Guards = []guardrails.Guard{frozen}
		var j rollout.MemoryJournal
		var seen folds
		done := inBackground(t.Context(), aRunner(plan, f, &j, &seen))
		eventually(t, time.Hour, func() bool { return seen.phase() == rollout.RollingBack && f.count("v1") > 13 }, "the first undo")
		j.Steal(plan.Name)
		require.ErrorIs(t, (<-done).err, rollout.ErrFenced)
		time.Sleep(2 * time.Hour)
		at := time.Now()
		_, err := aRunner(plan, f, &j).Run(t.Context())
		require.ErrorIs(t, err, rollout.ErrRolledBack)
		requireAll(t, f, "v1")
		require.Less(t, time.Since(at), time.Minute)
	})
}
