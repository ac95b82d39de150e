package analysis_test

import (
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/tidegate-go/tidegate/analysis"
)

var _ analysis.Problemer = analysis.BurnRate{}

// phase is a stretch of time in which every look shows the same.
type phase struct {
	looks            int
	canary, baseline analysis.Sample
}

// through shows phases to a trial, with a look every ten seconds, and returns its last
// verdict.
func through(trial analysis.Trial, phases ...phase) (v analysis.Verdict) {
	at := start
	for _, p := range phases {
		for range p.looks {
			v = trial.Judge(analysis.Observation{At: at, Canary: p.canary, Baseline: p.baseline})
			at = at.Add(10 * time.Second)
		}
	}
	return v
}

const minutes, hours = 6, 360 // looks

func TestBurnRateStories(t *testing.T) {
	n, none := analysis.Counts, analysis.Sample{}
	fast := analysis.BurnRate{Objective: 0.999, Windows: analysis.DefaultBurnWindows()[:1]}
	for _, c := range []struct {
		story     string
		judge     analysis.BurnRate
		phases    []phase
		want      analysis.Outcome
		reason    string
		blameless bool
	}{
		{
			"a clean canary passes once a burn of 14.4 would have shown", analysis.BurnRate{Objective: 0.999},
			[]phase{{2 * minutes, n(0, 100), none}},
			analysis.Pass, "burns 0x the error budget over 1m50s of 1h and 0x over 1m50s of 5m (canary 0% (0 of 1200), objective 99.9%); fails at 14.4x", false,
		},
		{
			"and not before", analysis.BurnRate{Objective: 0.999},
			[]phase{{2, n(0, 100), none}},
			analysis.Undecided, "evidence 14 of 20 that it burns below 14.4x: about 27 more canary requests at this rate would show it", false,
		},
		{
			"all requests fail: seconds", analysis.BurnRate{Objective: 0.999},
			[]phase{{2, n(100, 100), none}},
			analysis.Fail, "burns 1000x the error budget over 10s of 1h and 1000x over 10s of 5m (canary 100% (200 of 200), objective 99.9%): fails at 14.4x", false,
		},
		{
			"one error in few requests may be chance", analysis.BurnRate{Objective: 0.999},
			[]phase{{40, n(0, 1), none}, {1, n(1, 1), none}},
			analysis.Undecided, "it may be chance: evidence that it breaks its objective 3.4 (needed 100)", false,
		},
		{
			"too few for any rate", analysis.BurnRate{Objective: 0.999},
			[]phase{{5, n(1, 1), none}},
			analysis.Undecided, "but there are 5 of 20 samples over 5m", false,
		},
		{
			"too few to pass on", analysis.BurnRate{Objective: 0.5},
			[]phase{{15, n(0, 1), none}},
			analysis.Undecided, "15 of 20 samples over 6h", false,
		},
		{
			"a fault that begins after two clean hours needs the long window as well", fast,
			[]phase{{2 * hours, n(0, 100), none}, {10 * minutes, n(8, 100), none}},
			analysis.Undecided, "burns 13.3x the error budget over 1h and 80x over 5m (canary 1.3% (480 of 36000), objective 99.9%); fails at 14.4x, but only over 5m so far", false,
		},
		{
			"and fails when 1.44% of an hour's requests have failed", fast,
			[]phase{{2 * hours, n(0, 100), none}, {12 * minutes, n(8, 100), none}},
			analysis.Fail, "burns 14.5x the error budget over 1h and 80x over 5m (canary 1.4% (520 of 35900), objective 99.9%): fails at 14.4x", false,
		},
		{
			"a blip that is over is over", fast,
			[]phase{{1 * hours, n(0, 100), none}, {10 * minutes, n(8, 100), none}, {6 * minutes, n(0, 100), none}},
			analysis.Pass, "burns 13.3x the error budget over 1h and 0x over 5m", false,
		},
		{
			"half a percent is slower: 5x burns in none but the last row", analysis.BurnRate{Objective: 0.999},
			[]phase{{1 * hours, n(5, 1000), none}},
			analysis.Undecided, "burns 5.0x the error budget over 59m50s of 3d and 5.0x over 59m50s of 6h (canary 0.50% (1800 of 360000), objective 99.9%); fails at 1x, but only 59m50s of 6h were seen", false,
		},
		{
			"which it fails once a clean rest of six hours would not save it", analysis.BurnRate{Objective: 0.999},
			[]phase{{1*hours + 13*minutes, n(5, 1000), none}},
			analysis.Fail, "fails at 1x", false,
		},
		{
			"exactly at the factor burns", analysis.BurnRate{Objective: 0.999},
			[]phase{{6 * minutes, n(72, 5000), none}},
			analysis.Fail, "burns 14.4x the error budget over 5m of 1h and 14.4x over 5m (canary 1.4% (2232 of 155000), objective 99.9%): fails at 14.4x", false,
		},
		{
			"the whole fleet burns", analysis.BurnRate{Objective: 0.999},
			[]phase{{1 * hours, n(4, 200), n(38, 1900)}},
			analysis.Undecided, "burns 20x the error budget over 59m50s of 1h and 20x over 5m (canary 2.0% (1440 of 72000), objective 99.9%); so does the baseline, 20x and 20x (baseline 2.0% (13680 of 684000)): not the release's doing", true,
		},
		{
			"the fleet burns faster still", analysis.BurnRate{Objective: 0.999},
			[]phase{{1 * hours, n(4, 200), n(190, 1900)}},
			analysis.Undecided, "not the release's doing", true,
		},
		{
			"the fleet burns as well, but not as much", analysis.BurnRate{Objective: 0.999},
			[]phase{{1 * hours, n(10, 200), n(38, 1900)}},
			analysis.Fail, "burns 50x", false,
		},
		{
			"the fleet is fine", analysis.BurnRate{Objective: 0.999},
			[]phase{{1 * hours, n(4, 200), n(1, 1900)}},
			analysis.Fail, "burns 20x", false,
		},
		{
			"a baseline of a few requests excuses nothing", analysis.BurnRate{Objective: 0.999, MinSamples: 1000},
			[]phase{{40, n(40, 2000), n(1, 20)}},
			analysis.Fail, "burns 20x", false,
		},
		{
			"nor does one that keeps the objective, however few requests it has", analysis.BurnRate{Objective: 0.999},
			[]phase{{20, n(3, 100), n(0, 3)}},
			analysis.Fail, "burns 30x", false,
		},
		{
			"more of them may", analysis.BurnRate{Objective: 0.999, MinSamples: 1000},
			[]phase{{40, n(40, 2000), n(2, 100)}},
			analysis.Undecided, "not the release's doing", true,
		},
		{
			"when the fleet recovers and the canary does not, the release is to blame", analysis.BurnRate{Objective: 0.999},
			[]phase{{20 * minutes, n(4, 200), n(38, 1900)}, {20 * minutes, n(4, 200), n(0, 1900)}},
			analysis.Fail, "burns 20x", false,
		},
		{
			"when the whole fleet begins to burn, that is known before the long window knows", fast,
			[]phase{{2 * hours, n(0, 200), n(0, 1900)}, {2 * minutes, n(20, 200), n(190, 1900)}},
			analysis.Undecided, "not the release's doing", true,
		},
		{
			"what the fleet shared is not the release's doing when there is no fleet left", analysis.BurnRate{Objective: 0.999},
			[]phase{{20 * minutes, n(4, 200), n(38, 1900)}, {20 * minutes, n(42, 2100), none}},
			analysis.Undecided, "so did the baseline when it was last seen, before the release got there: not the release's doing", true,
		},
		{
			"until it is over, and comes back", fast,
			[]phase{{20 * minutes, n(4, 200), n(38, 1900)}, {10 * minutes, n(42, 2100), none}, {60 * minutes, n(0, 2100), none}, {20 * minutes, n(210, 2100), none}},
			analysis.Fail, "fails at 14.4x", false,
		},
		{
			"a lax objective cannot burn at 14.4, and is held to the other rows", analysis.BurnRate{Objective: 0.9},
			[]phase{{5 * minutes, n(1, 100), none}},
			analysis.Pass, "burns 0.10x the error budget over 4m50s of 3d and 0.10x over 4m50s of 6h (canary 1.0% (30 of 3000), objective 90%); fails at 1x", false,
		},
		{
			"no requests", analysis.BurnRate{Objective: 0.999},
			[]phase{{10 * minutes, n(0, 100), none}, {1, n(0, 0), n(0, 100)}},
			analysis.Undecided, "no canary data", false,
		},
		{
			"a value has no budget", analysis.BurnRate{Objective: 0.999},
			[]phase{{1, analysis.Gauge(3), none}},
			analysis.Error, "value", false,
		},
		{
			"a histogram has none either", analysis.BurnRate{Objective: 0.999},
			[]phase{{1, analysis.Buckets([]float64{1}, []uint64{5}, 10), none}},
			analysis.Error, "histogram", false,
		},
	} {
		t.Run(c.story, func(t *testing.T) {
			v := through(c.judge.Begin(), c.phases...)
			require.Equal(t, c.want, v.Outcome, v.Reason)
			require.Contains(t, v.Reason, c.reason)
			require.Equal(t, c.blameless, v.Blameless)
		})
	}
}

func TestBurnRateIsLatchedAndFillsItsFigures(t *testing.T) {
	trial := analysis.BurnRate{Objective: 0.999}.Begin()
	v := through(trial, phase{20 * minutes, analysis.Counts(3, 100), analysis.Counts(1, 1000)})
	require.Equal(t, analysis.Fail, v.Outcome)
	require.Greater(t, v.Canary.Total, uint64(500))
	require.InDelta(t, 0.03, v.Canary.Rate, 1e-9)
	require.InDelta(t, 0.001, v.Baseline.Rate, 1e-9)
	require.GreaterOrEqual(t, v.Evidence.Harm, v.Evidence.HarmNeeded)
	require.Equal(t, 100.0, v.Evidence.HarmNeeded)
	require.Equal(t, 20.0, v.Evidence.SafeNeeded)
	again := trial.Judge(analysis.Observation{At: start.Add(time.Hour * 1000), Canary: analysis.Counts(0, 1e6)})
	require.Equal(t, v, again, "latched")

	v = analysis.BurnRate{Objective: 0.999}.Begin().Judge(analysis.Observation{Err: "timeout"})
	require.Equal(t, analysis.Undecided, v.Outcome)
	require.Equal(t, "could not look: timeout", v.Reason)
}

// An hour in which nobody could look is no burn, and no pass.
func TestBurnRateWithAGap(t *testing.T) {
	trial := analysis.BurnRate{Objective: 0.999}.Begin()
	require.Equal(t, analysis.Pass, through(trial, phase{10 * minutes, analysis.Counts(0, 100), analysis.Sample{}}).Outcome)
	v := trial.Judge(analysis.Observation{At: start.Add(time.Hour), Err: "down"})
	require.Equal(t, analysis.Undecided, v.Outcome)
	v = trial.Judge(analysis.Observation{At: start.Add(time.Hour), Canary: analysis.Counts(0, 10)})
	require.Equal(t, analysis.Undecided, v.Outcome, "what was seen before is no longer fresh")
	require.Contains(t, v.Reason, "10 of 20 samples over 5m")
	v = trial.Judge(analysis.Observation{At: start.Add(time.Hour + 10*time.Second), Canary: analysis.Counts(0, 10)})
	require.Equal(t, analysis.Pass, v.Outcome)
}

func TestBurnRateProblems(t *testing.T) {
	row := func(factor float64, long, short time.Duration) analysis.BurnRate {
		return analysis.BurnRate{Objective: 0.99, Windows: []analysis.BurnWindow{{Factor: factor, Long: long, Short: short}}}
	}
	for _, ok := range []analysis.BurnRate{
		{Objective: 0.999}, {Objective: 0.9}, {Objective: 0.01}, row(2, time.Hour, time.Hour), row(99, time.Second, 1),
		{Objective: 0.999, MinSamples: 1, Alpha: 0.1, Beta: 0.1},
	} {
		require.Empty(t, problems(ok), "%+v", ok)
		require.NotEqual(t, analysis.Error, ok.Begin().Judge(analysis.Observation{Canary: analysis.Counts(0, 1)}).Outcome)
	}
	for _, c := range []struct {
		path  string
		judge analysis.BurnRate
	}{
		{"Objective", analysis.BurnRate{}},
		{"Objective", analysis.BurnRate{Objective: 99.9}},
		{"Objective", analysis.BurnRate{Objective: 1}},
		{"Objective", analysis.BurnRate{Objective: math.NaN()}},
		{"Windows", analysis.BurnRate{Objective: 0.999, Windows: []analysis.BurnWindow{}}},
		{"Windows[0].Factor", row(0, time.Hour, time.Minute)},
		{"Windows[0].Factor", row(math.NaN(), time.Hour, time.Minute)},
		{"Windows[0].Factor", row(math.Inf(1), time.Hour, time.Minute)},
		{"Windows[0].Factor", row(144, time.Hour, time.Minute)},
		{"Windows[0].Short", row(2, time.Hour, 0)},
		{"Windows[0].Long", row(2, time.Minute, time.Hour)},
		{"Alpha", analysis.BurnRate{Objective: 0.999, Alpha: 0.5}},
		{"Beta", analysis.BurnRate{Objective: 0.999, Beta: math.NaN()}},
	} {
		require.Len(t, problems(c.judge), 1, "%+v", c.judge)
		require.Contains(t, problems(c.judge), c.path)
		v := c.judge.Begin().Judge(analysis.Observation{Canary: analysis.Counts(0, 1000)})
		require.Equal(t, analysis.Error, v.Outcome)
		require.Contains(t, v.Reason, "BurnRate."+c.path)
	}
	for _, extreme := range []float64{1e-17, 1e-300} {
		v := analysis.BurnRate{Objective: extreme}.Begin().Judge(analysis.Observation{Canary: analysis.Counts(0, 1000)})
		require.Equal(t, analysis.Error, v.Outcome)
	}
}

func drawBurnRate(t *rapid.T) analysis.BurnRate {
	j := analysis.BurnRate{
		Objective:  rapid.SampledFrom([]float64{0.5, 0.9, 0.99, 0.999}).Draw(t, "objective"),
		MinSamples: rapid.Uint64Range(0, 50).Draw(t, "min samples"),
	}
	if rapid.Bool().Draw(t, "own windows") {
		j.Windows = []analysis.BurnWindow{
			{Factor: 1.5, Long: 2 * time.Minute, Short: 30 * time.Second},
			{Factor: 0.5, Long: 5 * time.Minute, Short: 5 * time.Minute},
		}
	}
	return j
}

// The same observations give the same verdicts, whenever they were made; a fail is
// latched; and nothing passes that saw nothing.
func TestBurnRateIsAFold(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		judge, os := drawBurnRate(t), drawObservations(t)
		crash := rapid.IntRange(0, len(os)).Draw(t, "crash")
		later := time.Duration(rapid.IntRange(1, 1e6).Draw(t, "later")) * time.Second
		jump := time.Duration(rapid.IntRange(-300, 3000).Draw(t, "jump")) * time.Second
		for i := crash; i < len(os); i++ {
			os[i].At = os[i].At.Add(jump)
		}
		whole, before, after, shifted := judge.Begin(), judge.Begin(), judge.Begin(), judge.Begin()
		latched := analysis.Verdict{}
		for i, o := range os {
			want := whole.Judge(o)
			if i < crash {
				require.Equal(t, want, before.Judge(o))
			}
			require.Equal(t, want, after.Judge(o), "replayed from the start, and gone on")
			if latched.Outcome == analysis.Fail {
				require.Equal(t, latched, want)
			}
			latched = want

			require.NotEmpty(t, want.Reason)
			require.NotContains(t, want.Reason, "NaN")
			require.NotContains(t, want.Reason, "Inf")
			if figure, ok := o.Canary.Figure(); !ok || o.Err != "" {
				require.NotEqual(t, analysis.Pass, want.Outcome, "passed on %v", figure)
			}
			if want.Blameless {
				require.Equal(t, analysis.Undecided, want.Outcome)
			}
			_, err := json.Marshal(want)
			require.NoError(t, err)

			o.At = o.At.Add(later)
			require.Equal(t, want, shifted.Judge(o), "the same, %v later", later)
		}
	})
}

// More errors never turn a fail into something else, and never make a pass.
func TestBurnRateIsMonotone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		judge := drawBurnRate(t)
		good, bad := judge.Begin(), judge.Begin()
		for i := range rapid.IntRange(1, 60).Draw(t, "looks") {
			total := rapid.Uint64Range(1, 200).Draw(t, "total")
			events := rapid.Uint64Range(0, total).Draw(t, "events")
			more := rapid.Uint64Range(events, total).Draw(t, "more")
			at := start.Add(time.Duration(i) * 10 * time.Second)
			v := good.Judge(analysis.Observation{At: at, Canary: analysis.Counts(events, total)})
			w := bad.Judge(analysis.Observation{At: at, Canary: analysis.Counts(more, total)})
			if v.Outcome == analysis.Fail {
				require.Equal(t, analysis.Fail, w.Outcome)
			}
			if w.Outcome == analysis.Pass {
				require.NotEqual(t, analysis.Fail, v.Outcome)
			}
		}
	})
}
