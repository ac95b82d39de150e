package evidence

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func newOnset(t require.TestingT, limit float64) Onset {
	o, err := NewOnset(limit)
	require.NoError(t, err)
	return o
}

func TestOnsetRefusesLimitsThatAreNone(t *testing.T) {
	for _, limit := range []float64{0, 1, -1, 2, math.NaN()} {
		_, err := NewOnset(limit)
		require.ErrorIs(t, err, ErrSetting, "%v", limit)
	}
}

// The recursion is the mixture that the documentation says it is.
func TestOnsetIsAMixtureOfRates(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.Float64Range(0.0001, 0.3).Draw(t, "limit")
		o := newOnset(t, limit)
		var rates []Rate
		begin := func() {
			r, err := NewRate(limit)
			require.NoError(t, err)
			rates = append(rates, r)
		}
		begin()
		require.InDelta(t, 0, o.Log(), 1e-12)
		for range rapid.IntRange(0, 20).Draw(t, "intervals") {
			if rapid.Bool().Draw(t, "restart") {
				o.Restart()
				begin()
			}
			total := rapid.Uint64Range(0, 300).Draw(t, "total")
			events := rapid.Uint64Range(0, total/20).Draw(t, "events")
			o.Observe(events, total)
			for i := range rates {
				rates[i].Observe(events, total)
			}
		}
		sum := 1 / float64(len(rates)+1)
		for i := range rates {
			k := float64(i + 1)
			sum += Value(rates[i].Log()) / (k * (k + 1))
		}
		require.InEpsilon(t, sum, Value(o.Log()), 1e-9)
	})
}

// A day without an error hides a regression from Rate for longer than from Onset.
func TestOnsetFindsWhatBeginsLate(t *testing.T) {
	until := func(observe func(events, total uint64), log func() float64, restart func()) (intervals int) {
		for range 1440 { // minutes
			restart()
			observe(0, 60)
		}
		for log() < math.Log(100) {
			if intervals++; intervals == 10_000 {
				break
			}
			restart()
			observe(1, 60)
		}
		return intervals
	}
	rate, err := NewRate(0.001)
	require.NoError(t, err)
	onset := newOnset(t, 0.001)
	slow := until(rate.Observe, rate.Log, func() {})
	quick := until(onset.Observe, onset.Log, onset.Restart)
	t.Logf("Rate %d minutes, Onset %d minutes", slow, quick)
	require.Equal(t, 12, quick)
	require.Greater(t, slow, 2*quick)
}

func TestOnsetOfOneRestartIsRateAtHalfStake(t *testing.T) {
	onset := newOnset(t, 0.01)
	rate, err := NewRate(0.01)
	require.NoError(t, err)
	onset.Observe(5, 100)
	rate.Observe(5, 100)
	require.InDelta(t, math.Log(Value(rate.Log())/2+0.5), onset.Log(), 1e-12)
	require.True(t, math.IsNaN((&Onset{}).Log()), "the zero Onset")
}

func TestSimulatedFalseAlarmsOfOnset(t *testing.T) {
	const alpha = 0.05
	for i, limit := range []float64{0.001, 0.01} {
		rng := rand.New(rand.NewPCG(11, uint64(i)))
		n, alarms := runs(200), 0
		for range n {
			o := newOnset(t, limit)
			for range 360 {
				o.Restart()
				if o.Observe(binomial(rng, 100, limit), 100); o.Log() >= -math.Log(alpha) {
					alarms++
					break
				}
			}
		}
		share := float64(alarms) / float64(n)
		t.Logf("a rate of %g, at its limit: %.1f%% false alarms at %.0f%%", limit, 100*share, 100*alpha)
		require.LessOrEqual(t, share, allowed(alpha, n))
	}
}
