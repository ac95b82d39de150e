package rollout_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/rollout"
)

// mixedFleet has 100 targets: 37 on v42, 3 on v43, 60 on v41.
func mixedFleet() (*fleet, []rollout.Target) {
	f, targets := newFleet(100, "v41")
	for i := range 37 {
		f.versions[targets[(i*13)%100].Name] = "v42"
	}
	n := 0
	for _, t := range targets {
		if f.versions[t.Name] == "v41" && n < 3 {
			f.versions[t.Name] = "v43"
			n++
		}
	}
	return f, targets
}

// aRecall takes v42 back to v41, with a gate that is content with v41.
func aRecall(d rollout.Deployer, targets []rollout.Target) rollout.Recall {
	gate := withSource(aPlan(nil, 0), errorRate(map[string]float64{"v42": 0.5})).Gate
	return rollout.Recall{Service: "checkout", Version: "v42", To: "v41", Fleet: targets, Deployer: d, Gate: gate}
}

func TestARecallMovesWhatRunsTheVersionAndNothingElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := mixedFleet()
		recall := aRecall(f, targets)
		found, err := recall.Find(t.Context())
		require.NoError(t, err)
		require.Len(t, found.Targets, 37)
		require.Equal(t, 100, found.Fleet)
		require.Equal(t, map[string]int{"v41": 60, "v43": 3}, found.Others)
		require.Empty(t, found.Silent)
		require.Equal(t, "37 of 100 targets run checkout v42, 60 run v41, 3 run v43", found.String())
		require.Empty(t, f.touched(), "to search changes nothing")

		plan, err := found.Plan()
		require.NoError(t, err)
		require.NoError(t, plan.Validate())
		require.Equal(t, found.Targets, plan.Targets)
		bounds := boundsOf(t, plan)
		require.Equal(t, []int{1, 2, 4}, []int{bounds.Waves[0].Targets, bounds.Waves[1].Targets, bounds.Waves[2].Targets}, "one first, then growing")

		result, err := aRunner(plan, f, &rollout.MemoryJournal{}).Run(t.Context())
		require.NoError(t, err)
		require.Equal(t, 37, result.Updated)
		require.Len(t, f.touched(), 37)
		for _, target := range found.Targets {
			require.Contains(t, f.touched(), target.Name+" v41")
		}
		require.Equal(t, []int{97, 0, 3}, []int{f.count("v41"), f.count("v42"), f.count("v43")})

		again, err := recall.Find(t.Context())
		require.ErrorIs(t, err, rollout.ErrNothingToRecall)
		require.EqualError(t, err, "rollout: nothing to recall: none of 100 targets runs checkout v42")
		require.Equal(t, map[string]int{"v41": 97, "v43": 3}, again.Others)
		_, err = again.Plan()
		require.ErrorIs(t, err, rollout.ErrNothingToRecall, "never an empty plan")
	})
}

// To take a recall back would be to spread what is recalled.
func TestARecallThatFailsDoesNotPutTheVersionBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := mixedFleet()
		recall := aRecall(f, targets)
		recall.Gate = withSource(aPlan(nil, 0), errorRate(map[string]float64{"v41": 0.5})).Gate
		found, err := recall.Find(t.Context())
		require.NoError(t, err)
		plan, err := found.Plan()
		require.NoError(t, err)
		_, err = aRunner(plan, f, &rollout.MemoryJournal{}).Run(t.Context())
		require.ErrorIs(t, err, rollout.ErrHalted)
		require.Equal(t, 36, f.count("v42"), "one was moved, and none came back")
	})
}

// answering is a deployer that answers as it is told to.
type answering struct {
	rollout.Deployer
	version func(ctx context.Context, target string) (string, error)
}

func (a answering) Version(ctx context.Context, t rollout.Target) (string, error) {
	return a.version(ctx, t.Name)
}

func TestWhoDoesNotAnswerIsNeverLeftOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := mixedFleet()
		forever := make(chan struct{})
		defer close(forever)
		recall := aRecall(answering{f, func(ctx context.Context, target string) (string, error) {
			switch target {
			case "web-02":
				return "", errors.New("connection refused")
			case "web-05":
				panic("no such host")
			case "web-08":
				<-ctx.Done()
				return "", ctx.Err()
			case "web-11":
				<-forever // deaf
			case "web-17":
				return "", nil
			case "web-20":
				runtime.Goexit()
			}
			return f.Version(ctx, rollout.Target{Name: target})
		}}, targets)
		began := time.Now()
		found, err := recall.Find(t.Context())
		require.Equal(t, rollout.DefaultRecallTimeout, time.Since(began), "everyone at once, and nobody for longer")
		require.ErrorIs(t, err, rollout.ErrSearchIncomplete)
		require.ErrorContains(t, err, "6 of 100 targets did not say what they run: web-02 (connection refused), web-05 (the deployer panicked: no such host), "+
			"web-08 (no answer within 10s), web-11 (no answer within 10s), web-17 (it gave an empty version), and 1 more; ")

		require.Len(t, found.Silent, 6)
		require.Equal(t, targets[19], found.Silent[5].Target)
		require.Contains(t, found.Silent[5].Why, "ended its goroutine")
		require.Equal(t, 100, len(found.Targets)+len(found.Silent)+found.Others["v41"]+found.Others["v43"], "everyone is accounted for")
		require.ErrorContains(t, err, fmt.Sprintf("%d were found on v42", len(found.Targets)))
		require.Contains(t, found.String(), ", 6 did not say")
		_, err = found.Plan()
		require.ErrorIs(t, err, rollout.ErrSearchIncomplete, "who overlooks the error gets no plan either")

		recall.AllowSilent = "rack 7 has no power"
		found, err = recall.Find(t.Context())
		require.NoError(t, err)
		require.Len(t, found.Silent, 6)
		plan, err := found.Plan()
		require.NoError(t, err)
		require.NoError(t, plan.Validate())
		require.Len(t, plan.Targets, len(found.Targets))
	})
}

func TestNobodyFoundIsNotNobodyThere(t *testing.T) {
	_, targets := newFleet(3, "v41")
	recall := aRecall(answering{rollout.DeployerFunc(nil), func(context.Context, string) (string, error) { return "", errDisk }}, targets)
	_, err := recall.Find(t.Context())
	require.ErrorIs(t, err, rollout.ErrSearchIncomplete)
	require.NotErrorIs(t, err, rollout.ErrNothingToRecall)
	recall.AllowSilent = "they are switched off"
	_, err = recall.Find(t.Context())
	require.ErrorIs(t, err, rollout.ErrNothingToRecall)
}

func TestASearchThatIsCutShortIsIncomplete(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := mixedFleet()
		ctx, cancel := context.WithTimeout(t.Context(), 2500*time.Millisecond)
		defer cancel()
		recall := aRecall(answering{f, func(ctx context.Context, target string) (string, error) {
			select {
			case <-time.After(time.Second):
				return f.Version(ctx, rollout.Target{Name: target})
			case <-ctx.Done():
				return "", ctx.Err()
			}
		}}, targets)
		recall.Parallel = 20
		found, err := recall.Find(ctx)
		require.ErrorIs(t, err, rollout.ErrSearchIncomplete)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Len(t, found.Silent, 60, "40 have answered, 20 were being asked, 40 never were")
		require.Contains(t, found.Silent[59].Why, "it was not asked")
	})
}

func TestNoMoreAreAskedAtOnceThanItSays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := mixedFleet()
		var mu sync.Mutex
		now, most := 0, 0
		count := func(by int) {
			mu.Lock()
			defer mu.Unlock()
			now += by
			most = max(most, now)
		}
		recall := aRecall(answering{f, func(ctx context.Context, target string) (string, error) {
			count(1)
			defer count(-1)
			time.Sleep(time.Second)
			return f.Version(ctx, rollout.Target{Name: target})
		}}, targets)
		recall.Parallel = 7
		_, err := recall.Find(t.Context())
		require.NoError(t, err)
		require.Equal(t, 7, most)
	})
}

// A recall has its plan's name from what was found and when: kept as JSON, it is carried
// on after a crash, and no other recall takes it for its own.
func TestTheSameFindGivesTheSamePlan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := mixedFleet()
		recall := aRecall(f, targets)
		found, err := recall.Find(t.Context())
		require.NoError(t, err)
		plan, err := found.Plan()
		require.NoError(t, err)
		require.Regexp(t, `^recall-checkout-v42-[0-9a-f]{12}$`, plan.Name)

		var journal rollout.MemoryJournal
		ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
		defer cancel()
		_, err = aRunner(plan, f, &journal).Run(ctx)
		require.ErrorIs(t, err, rollout.ErrInterrupted)

		data, err := json.Marshal(found)
		require.NoError(t, err)
		var kept rollout.Found
		require.NoError(t, json.Unmarshal(data, &kept))
		kept.Gate = recall.Gate
		later, err := kept.Plan()
		require.NoError(t, err)
		require.Equal(t, plan.Name, later.Name)
		result, err := aRunner(later, f, &journal).Run(t.Context())
		require.NoError(t, err)
		require.True(t, result.Resumed)
		require.Zero(t, f.count("v42"))

		// The same targets once more are another recall.
		for _, target := range found.Targets {
			f.versions[target.Name] = "v42"
		}
		anew, err := recall.Find(t.Context())
		require.NoError(t, err)
		require.Equal(t, found.Targets, anew.Targets)
		other, err := anew.Plan()
		require.NoError(t, err)
		require.NotEqual(t, plan.Name, other.Name)
		result, err = aRunner(other, f, &journal).Run(t.Context())
		require.NoError(t, err)
		require.False(t, result.Resumed)
		require.Zero(t, f.count("v42"))
	})
}

func TestWhateverIsFoundThePlanIsValid(t *testing.T) {
	for n := 1; n <= 60; n++ {
		for _, floor := range []float64{0, 50, 90, 99} {
			f, targets := newFleet(100, "v41")
			for i := range n {
				f.versions[targets[i].Name] = "v42"
			}
			recall := aRecall(f, targets)
			recall.Floor = floor
			recall.Service, recall.Version = "eu/checkout prod "+fmt.Sprintf("%099d", 1), "v42"
			found, err := recall.Find(t.Context())
			require.NoError(t, err)
			plan, err := found.Plan()
			require.NoError(t, err)
			require.NoError(t, plan.Validate(), "%d found, floor %v", n, floor)
			spec, err := plan.Spec()
			require.NoError(t, err)
			if down := 100 - int(floor); floor > 0 && down < n {
				require.Equal(t, down, spec.MaxDown, "%d found, floor %v", n, floor)
			} else {
				require.Zero(t, spec.MaxDown)
			}
		}
	}
}

func TestTheFloorCountsWhoDoesNotAnswerAsDown(t *testing.T) {
	f, targets := newFleet(100, "v42")
	recall := aRecall(answering{f, func(ctx context.Context, target string) (string, error) {
		if target >= "web-90" || target == "web-100" {
			return "", errDisk
		}
		return f.Version(ctx, rollout.Target{Name: target})
	}}, targets)
	recall.AllowSilent, recall.Floor = "they are being replaced", 80
	found, err := recall.Find(t.Context())
	require.NoError(t, err)
	silent := len(found.Silent)
	require.Equal(t, 11, silent)
	plan, err := found.Plan()
	require.NoError(t, err)
	spec, err := plan.Spec()
	require.NoError(t, err)
	require.Equal(t, 20-silent, spec.MaxDown)

	found.Floor = 89
	_, err = found.Plan()
	require.ErrorIs(t, err, rollout.ErrInvalidPlan)
	require.ErrorContains(t, err, "Recall.Floor: 89% of 100 targets is 89 that must serve at any time, and 11 did not answer and may be down, so none could be moved: lower the floor")
}

func TestEveryProblemOfARecallIsSaid(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(r *rollout.Recall)
		want   string
	}{
		"no service":     {func(r *rollout.Recall) { r.Service = "" }, "Recall.Service: is empty"},
		"no version":     {func(r *rollout.Recall) { r.Version = "" }, "Recall.Version: is empty"},
		"a moving tag":   {func(r *rollout.Recall) { r.Version = "latest" }, `Recall.Version: "latest" is a moving tag`},
		"nowhere to go":  {func(r *rollout.Recall) { r.To = "v42" }, `Recall.To: "v42" is the version that is to be replaced`},
		"nobody":         {func(r *rollout.Recall) { r.Fleet = nil }, `Recall.Fleet: is empty: no target is an error, never "all"`},
		"a target twice": {func(r *rollout.Recall) { r.Fleet[1].Name = r.Fleet[0].Name }, `Recall.Fleet[1].Name: "web-01" is empty, or the name of another target`},
		"nobody can say": {func(r *rollout.Recall) { r.Deployer = rollout.DeployerFunc(nil) }, "Recall.Deployer: is a rollout.DeployerFunc, which cannot ask a target what it runs: it has to be a Versioner"},
		"no deployer":    {func(r *rollout.Recall) { r.Deployer = nil }, "Recall.Deployer: is a <nil>"},
		"negative":       {func(r *rollout.Recall) { r.Timeout = -1 }, "Recall: has a negative limit"},
		"a floor":        {func(r *rollout.Recall) { r.Floor = 101 }, "Recall.Floor: is 101: want a percentage from 0 to 100"},
	} {
		t.Run(name, func(t *testing.T) {
			f, targets := newFleet(3, "v42")
			recall := aRecall(f, targets)
			tc.change(&recall)
			found, err := recall.Find(t.Context())
			require.Nil(t, found)
			require.ErrorIs(t, err, rollout.ErrInvalidPlan)
			require.ErrorContains(t, err, tc.want)
		})
	}
}

func TestARecallWithoutAGateNeedsOne(t *testing.T) {
	f, targets := newFleet(3, "v42")
	recall := aRecall(f, targets)
	recall.Gate = analysis.Gate{}
	found, err := recall.Find(t.Context())
	require.NoError(t, err)
	plan, err := found.Plan()
	require.NoError(t, err)
	require.ErrorContains(t, plan.Validate(), "a gate without checks can pass nothing")
}
