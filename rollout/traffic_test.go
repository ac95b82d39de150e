package rollout_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/rollout"
)

// router is a shifter in memory.
type router struct {
	percents []float64
	fail     float64
}

func (r *router) Shift(_ context.Context, percent float64) error {
	if r.fail != 0 && percent == r.fail {
		return errors.New("the router is down")
	}
	r.percents = append(r.percents, percent)
	return nil
}

// trafficPlan shifts traffic, and what is shifted is bad from a percentage on.
func trafficPlan(s rollout.Shifter, rate float64) rollout.Plan {
	plan := aPlan(nil, rate)
	plan.Waves = rollout.Traffic(s, 1, 5, 25, 100)
	return plan
}

func TestTrafficIsShiftedStepByStep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s router
		result, err := aRunner(trafficPlan(&s, 0.01), nil, &rollout.MemoryJournal{}).Run(t.Context())
		require.NoError(t, err)
		require.Equal(t, []float64{1, 5, 25, 100}, s.percents)
		require.Equal(t, 4, result.Updated)
		require.InDelta(t, 100, result.PeakPercent, 1e-9)
	})
}

func TestTrafficGoesBackTheWayThatItCame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s router
		var seen folds
		r := aRunner(trafficPlan(&s, 0.01), nil, &rollout.MemoryJournal{}, &seen)
		done := inBackground(t.Context(), r)
		eventually(t, time.Hour, func() bool { return seen.wave() == 3 && seen.phase() == rollout.Gating }, "25%")
		say(t, r, rollout.RollBack)
		o := <-done
		require.ErrorIs(t, o.err, rollout.ErrRolledBack)
		require.Equal(t, []float64{1, 5, 25, 5, 1, 0}, s.percents)
		require.InDelta(t, 25, o.result.PeakPercent, 1e-9)
	})
}

func TestTrafficOfABadReleaseStopsAtTheFirstPercent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s router
		result, err := aRunner(trafficPlan(&s, 0.20), nil, &rollout.MemoryJournal{}).Run(t.Context())
		require.ErrorIs(t, err, rollout.ErrRolledBack)
		require.Equal(t, []float64{1, 0}, s.percents)
		require.InDelta(t, 1, result.PeakPercent, 1e-9)
	})
}

func TestAShiftThatFailsIsTakenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := router{fail: 25}
		_, err := aRunner(trafficPlan(&s, 0.01), nil, &rollout.MemoryJournal{}).Run(t.Context())
		require.ErrorIs(t, err, rollout.ErrRolledBack)
		require.Equal(t, []float64{1, 5, 5, 1, 0}, s.percents)
	})
}

func TestStepsAreDoneAndUndoneInOrder(t *testing.T) {
	for name, failing := range map[string]bool{"good": false, "the last one fails": true, "the last one panics": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var did []string
				step := func(id string) rollout.Step {
					return rollout.Step{
						ID: id,
						Do: func(context.Context) error {
							if id == "drop-old-column" && failing {
								if name == "the last one panics" {
									panic("no connection")
								}
								return errors.New("the table is locked")
							}
							did = append(did, "do "+id)
							return nil
						},
						Undo: func(context.Context) error { did = append(did, "undo "+id); return nil },
					}
				}
				plan := aPlan(nil, 0.01)
				plan.Waves = rollout.Explicit{
					{Steps: []rollout.Step{step("add-column")}, Ungated: "nobody reads it yet"},
					{Steps: []rollout.Step{step("read-new-column")}},
					{Steps: []rollout.Step{step("drop-old-column")}},
				}
				_, err := aRunner(plan, nil, &rollout.MemoryJournal{}).Run(t.Context())
				if !failing {
					require.NoError(t, err)
					require.Equal(t, []string{"do add-column", "do read-new-column", "do drop-old-column"}, did)
					return
				}
				require.ErrorIs(t, err, rollout.ErrRolledBack)
				require.Equal(t, []string{"do add-column", "do read-new-column", "undo drop-old-column", "undo read-new-column", "undo add-column"}, did)
			})
		})
	}
}

func TestTrafficRefusesWhatDoesNotRiseToAHundred(t *testing.T) {
	for _, percents := range [][]float64{nil, {50}, {50, 50, 100}, {0, 100}, {-1, 100}, {100, 50}, {5, 101}} {
		_, err := rollout.Traffic(&router{}, percents...).Split(nil)
		require.Error(t, err, percents)
	}
	_, err := rollout.Traffic(nil, 100).Split(nil)
	require.ErrorContains(t, err, "nil")
}

func ExampleTraffic() {
	shifter := rollout.ShifterFunc(func(_ context.Context, percent float64) error {
		fmt.Printf("%v%% of the traffic goes to v2\n", percent)
		return nil
	})
	waves, _ := rollout.Traffic(shifter, 1, 5, 25, 100).Split(nil)
	for _, wave := range waves[:2] {
		_ = wave.Steps[0].Do(context.Background())
	}
	for _, wave := range []rollout.Wave{waves[1], waves[0]} {
		_ = wave.Steps[0].Undo(context.Background())
	}
	// Output:
	// 1% of the traffic goes to v2
	// 5% of the traffic goes to v2
	// 1% of the traffic goes to v2
	// 0% of the traffic goes to v2
}
