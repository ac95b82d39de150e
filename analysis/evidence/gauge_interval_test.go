package evidence

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestGaugeIntervalOfNothing(t *testing.T) {
	g, err := NewGauge(Noise{Deviation: 1}, 0)
	require.NoError(t, err)
	low, high := g.Interval(0.01)
	require.True(t, math.IsInf(low, -1) && math.IsInf(high, 1))
}

// The tolerances outside of the interval are those that a process of their own
// refutes, from above or from below.
func TestGaugeIntervalIsWhatIsNotRefuted(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	noise := Noise{Deviation: 0.5, Correlation: 0.6}
	shown, err := NewGauge(noise, 0.25)
	require.NoError(t, err)
	var points []float64
	z := 0.0
	for i := range 60 {
		z = 0.6*z + 0.5*rng.NormFloat64()
		p := 3 + z
		if i%11 == 7 {
			p = math.NaN()
		}
		points = append(points, p)
		shown.Observe(p)
	}
	const alpha = 0.02
	low, high := shown.Interval(alpha)
	require.Less(t, low, 3.0)
	require.Greater(t, high, 3.0)
	refuted := func(tolerance, sign float64) bool {
		g, err := NewGauge(noise, sign*tolerance)
		require.NoError(t, err)
		for _, p := range points {
			g.Observe(sign * p)
		}
		return g.Log() >= -math.Log(alpha/2)
	}
	require.True(t, refuted(low-0.001, 1))
	require.False(t, refuted(low+0.001, 1))
	require.True(t, refuted(high+0.001, -1))
	require.False(t, refuted(high-0.001, -1))
}
