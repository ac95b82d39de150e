package replay

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/guardrails"
	"github.com/tidegate-go/tidegate/rollout"
	"github.com/tidegate-go/tidegate/rollout/simulate"
)

func plan() rollout.Plan {
	return rollout.Plan{
		Name: "test", Release: rollout.Release{Service: "test", From: "v1", To: "v2"}, Targets: Fleet("host", 10),
		Waves: rollout.Percent(10, 100),
		Gate: analysis.Gate{Checks: []analysis.Check{
			{Name: "errors", Source: simulate.Unasked{}, Judge: analysis.Below(0.5)},
		}},
	}
}

func bad() simulate.World {
	return simulate.World{Signals: map[string]simulate.Signal{"errors": {PerSecond: 100, Old: 0, New: 1}}}
}

func TestAGateThatFailsIsTold(t *testing.T) {
	o, err := Telling{Plan: plan(), World: bad(), Notes: []Note{{0, "the bell rings"}}}.Tell()
	require.NoError(t, err)
	assert.Equal(t, 10.0, o.Exposed)
	assert.Equal(t, time.Second, o.Detect)
	assert.Equal(t, time.Second, o.Recover)
	assert.Equal(t, []string{
		"0:00:00  the bell rings",
		"0:00:00  wave 1 of 2 begins: 1 of 10 targets",
		"0:00:01  wave 1 is deployed: 1 of 10 targets (10%) run v2",
		"0:00:01  the gate of wave 1: fail: errors: 100% (100 of 100) is above 50%",
		"0:00:01  the change is taken back: 1 of 10 targets (10%) run v2",
		"0:00:02  host-01, the first, is back on v1",
		"0:00:02  nothing has the fault any more",
		"0:00:02  the end: taken back",
	}, o.Story)
}

func TestHowAnOutcomeIsRead(t *testing.T) {
	for name, c := range map[string]struct {
		telling Telling
		check   func(*testing.T, Outcome)
	}{
		"a human takes it back": {
			Telling{Plan: AtOnce(plan(), "test"), World: simulate.World{Happenings: []simulate.Happening{Human(time.Hour, "ann", "it burns")}}},
			func(t *testing.T, o Outcome) {
				assert.Equal(t, 100.0, o.Exposed)
				assert.Equal(t, time.Hour, o.Detect)
				assert.Positive(t, o.Recover)
				assert.Contains(t, strings.Join(o.Story, "\n"), "1:00:00  ann: rollback, it burns")
			},
		},
		"only the sum is known": {
			Telling{Sum: true, Plan: AtOnce(plan(), "test"), World: simulate.World{Happenings: []simulate.Happening{Human(time.Hour, "ann", "it burns")}}},
			func(t *testing.T, o Outcome) {
				assert.True(t, o.Sum)
				assert.Zero(t, o.Detect)
				assert.Greater(t, o.Recover, time.Hour)
			},
		},
		"nobody notices": {
			Telling{Plan: AtOnce(plan(), "test")},
			func(t *testing.T, o Outcome) {
				assert.True(t, o.Never)
				assert.Zero(t, o.Detect)
				assert.Equal(t, 100.0, o.Exposed)
			},
		},
		"it goes through": {
			Telling{Plan: plan(), World: simulate.World{Signals: map[string]simulate.Signal{"errors": {PerSecond: 100}}}},
			func(t *testing.T, o Outcome) {
				assert.True(t, o.Never)
				assert.Equal(t, "completed: nobody stopped it", o.Ending)
			},
		},
		"a guard refuses it": {
			Telling{Plan: refused(), World: bad()},
			func(t *testing.T, o Outcome) {
				assert.True(t, o.Refused)
				assert.Zero(t, o.Exposed)
				assert.Contains(t, strings.Join(o.Story, "\n"), "never says no (hold): not today")
			},
		},
		"only some have the fault": {
			Telling{Plan: AtOnce(plan(), "test"), Ill: func(target, version string) bool { return target == "host-01" && version == "v2" }},
			func(t *testing.T, o Outcome) { assert.Equal(t, 10.0, o.Exposed) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			o, err := c.telling.Tell()
			require.NoError(t, err)
			c.check(t, o)
		})
	}
}

func refused() rollout.Plan {
	p := plan()
	p.Guards = []guardrails.Guard{never{}}
	return p
}

// never is a guard that lets nothing through.
type never struct{}

func (never) GuardName() string { return "never" }

func (never) Check(_ context.Context, _ guardrails.Action) error {
	return &guardrails.Breach{Reason: "not today"}
}

func TestABrokenPlanIsAnError(t *testing.T) {
	_, err := Telling{Plan: rollout.Plan{Name: "none"}}.Tell()
	require.ErrorIs(t, err, rollout.ErrInvalidPlan)
}

func TestADiaryHasAClock(t *testing.T) {
	var d Diary
	d.Wait(-time.Minute)
	d.Say("%d apples", 3)
	d.Wait(49*time.Hour + 61*time.Second)
	d.Say("later")
	assert.Equal(t, []string{"-0:01:00  3 apples", "49:00:01  later"}, d.Story())
}
