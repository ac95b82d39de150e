package analysis_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/analysis"
)

func TestErrorRatesAreSharedAmongActingChecks(t *testing.T) {
	e := analysis.Gate{Alpha: 0.03, Beta: 0.1, Checks: []analysis.Check{
		{Name: "errors", Judge: analysis.NotWorse{Alpha: 0.4, Beta: 0.4}},
		{Name: "slow", Judge: analysis.NotWorse{}},
		{Name: "timeouts", Judge: analysis.NotWorse{}},
		{Name: "shadow", Judge: analysis.NotWorse{}, Shadow: true},
		{Name: "sales", Judge: analysis.Above(0.95)},
	}}.Begin()
	o := analysis.Observation{At: start, Canary: analysis.Counts(1, 10), Baseline: analysis.Counts(1, 10)}
	for i, harm := range []float64{100, 100, 100, 1 / 0.03, 0} {
		v := e.Observe(i, o)
		require.InDelta(t, harm, v.Evidence.HarmNeeded, 1e-9, "check %d", i)
		require.Equal(t, v, e.Verdict(i))
	}
	require.InDelta(t, 10, e.Verdict(0).Evidence.SafeNeeded, 1e-9)
}

func TestDeadlineSparesAPassThatIsDue(t *testing.T) {
	e := analysis.Gate{
		Bake:   analysis.Bake{AtLeast: time.Minute, AtMost: time.Minute},
		Checks: []analysis.Check{{Name: "sales", Judge: analysis.Above(0.95)}},
	}.Begin()
	e.Enter(1, start)
	e.Deployed(start)
	e.Observe(0, analysis.Observation{At: start.Add(50 * time.Second), Canary: analysis.Gauge(1)})
	require.Equal(t, analysis.Undecided, e.Decide(start.Add(59*time.Second)).Outcome)
	require.Equal(t, analysis.Pass, e.Decide(start.Add(time.Minute)).Outcome)
}

// A judge that has no idea of data quality must not get bad data past the gate.
type yes struct{}

func (yes) Begin() analysis.Trial                           { return yes{} }
func (yes) Judge(analysis.Observation) (v analysis.Verdict) { v.Outcome = analysis.Pass; return v }

func TestGateDoesNotTrustItsJudges(t *testing.T) {
	for name, o := range map[string]analysis.Observation{
		"failed":        {Canary: analysis.Gauge(1), Err: "timeout"},
		"no data":       {},
		"no requests":   {Canary: analysis.Counts(0, 0)},
		"only baseline": {Baseline: analysis.Gauge(1)},
	} {
		t.Run(name, func(t *testing.T) {
			e := analysis.Gate{Checks: []analysis.Check{{Name: "yes", Judge: yes{}}}}.Begin()
			e.Enter(1, start)
			e.Deployed(start)
			o.At = start.Add(time.Minute)
			e.Observe(0, o)
			require.Equal(t, analysis.Undecided, e.Decide(start.Add(time.Minute)).Outcome)
			require.Equal(t, analysis.Error, e.Decide(start.Add(time.Hour)).Outcome)
			e.Observe(0, analysis.Observation{At: start.Add(time.Hour), Canary: analysis.Gauge(1)})
			require.Equal(t, analysis.Pass, e.Decide(start.Add(time.Hour)).Outcome)
		})
	}
}

// A source that hangs leaves its last good observation behind.
func TestGateDoesNotPassOnOldData(t *testing.T) {
	const interval = 10 * time.Second
	for name, c := range map[string]struct {
		timeout, fresh time.Duration
	}{
		"default timeout": {0, 4 * interval},
		"long timeout":    {time.Minute, 3*interval + time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			seen := start.Add(time.Minute)
			e := analysis.Gate{Interval: interval, Checks: []analysis.Check{
				{Name: "live", Judge: analysis.Above(0.95)},
				{Name: "hangs", Judge: analysis.Above(0.95), Timeout: c.timeout},
				{Name: "shadow", Judge: analysis.Above(0.95), Shadow: true},
			}}.Begin()
			e.Enter(1, start)
			e.Deployed(start)
			e.Observe(1, analysis.Observation{At: seen, Canary: analysis.Gauge(1)})
			decide := func(at time.Time) analysis.Decision {
				e.Observe(0, analysis.Observation{At: at, Canary: analysis.Gauge(1)})
				return e.Decide(at)
			}
			require.Equal(t, analysis.Pass, decide(seen).Outcome)
			require.Equal(t, analysis.Pass, decide(seen.Add(c.fresh)).Outcome)
			late := decide(seen.Add(c.fresh + time.Second))
			require.Equal(t, analysis.Undecided, late.Outcome)
			require.Contains(t, late.Reason, "hangs: the last data is")
			require.NotContains(t, late.Reason, "shadow")
			require.Equal(t, analysis.Error, decide(start.Add(time.Hour)).Outcome)
			e.Observe(1, analysis.Observation{At: start.Add(time.Hour), Canary: analysis.Gauge(1)})
			require.Equal(t, analysis.Pass, decide(start.Add(time.Hour)).Outcome, "it is back")
		})
	}
}

func TestGateDoesNotPassOnDataFromTheFuture(t *testing.T) {
	e := analysis.Gate{Checks: []analysis.Check{{Name: "sales", Judge: analysis.Above(0.95)}}}.Begin()
	e.Enter(1, start)
	e.Deployed(start)
	e.Observe(0, analysis.Observation{At: start.Add(2 * time.Minute), Canary: analysis.Gauge(1)})
	d := e.Decide(start.Add(time.Minute))
	require.Equal(t, analysis.Undecided, d.Outcome)
	require.Contains(t, d.Reason, "1m0s in the future")
}

// The driver may ask as often as it likes.
func TestDecideChangesNothing(t *testing.T) {
	asked, spared := gate(nil).Begin(), gate(nil).Begin()
	for _, e := range []*analysis.Evaluation{asked, spared} {
		e.Enter(1, start)
		e.Deployed(start)
	}
	for i := range 60 {
		at := start.Add(time.Duration(i) * 10 * time.Second)
		for check, o := range []analysis.Observation{
			{At: at, Canary: analysis.Counts(5, 500), Baseline: analysis.Counts(45, 4500)},
			{At: at, Canary: analysis.Gauge(1)},
		} {
			require.Equal(t, asked.Observe(check, o), spared.Observe(check, o))
			asked.Decide(at)
			asked.Decide(at.Add(time.Hour))
		}
	}
	at := start.Add(10 * time.Minute)
	require.Equal(t, spared.Decide(at), asked.Decide(at))
	require.Equal(t, analysis.Pass, asked.Decide(at).Outcome)
}

// Who has compared the arms by other means keeps what was learnt, when the gate itself
// learns nothing.
func TestWhatTheUserKnowsOfTheArmsIsKept(t *testing.T) {
	known := analysis.Calibration{Intervals: 180, Length: time.Hour, Tables: []analysis.Spread{{Intervals: 180, Phi: 1.01, Slow: 1.1, Tau: 0.1, Block: 1}}}
	e := analysis.Gate{Checks: []analysis.Check{{Name: "errors", Judge: analysis.NotWorse{Arms: known}}}}.Begin()
	e.Start([]analysis.CheckStart{{Name: "errors"}, {Name: "of another gate"}})
	o := analysis.Observation{At: start, Canary: analysis.Counts(1, 100), Baseline: analysis.Counts(10, 1000)}
	require.Contains(t, e.Observe(0, o).Calibration, "calibrated by an A/A window of 1h0m0s")

	e = analysis.Gate{Checks: []analysis.Check{{Name: "errors", Judge: analysis.NotWorse{Arms: known}}}}.Begin()
	e.Start([]analysis.CheckStart{{Name: "errors", Arms: analysis.Calibration{Problem: "the server knows no past"}}})
	require.Contains(t, e.Observe(0, o).Calibration, "not calibrated: the server knows no past")
}
