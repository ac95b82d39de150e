package evidence

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestEffectSizes(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for _, c := range []struct {
		story                  string
		x, y                   []float64
		ratio, superior, cohen float64
	}{
		{"five times as much", []float64{5, 5, 5, 10, 10, 10}, []float64{1, 1, 1, 2, 2, 2}, 5, 1, 3.0382181},
		{"all the same", []float64{2, 2}, []float64{2, 2, 2}, 1, 0.5, nan},
		{"half above", []float64{1, 3}, []float64{2}, 1, 0.5, 0},
		{"below, and unlike in number", []float64{0, 1}, []float64{1, 2, 3}, 0.25, 1.0 / 12, -1.643168},
		{"nothing left", []float64{0, 0}, []float64{1, 3}, 0, 0, -2},
		{"from nothing", []float64{1, 3}, []float64{0, 0}, nan, 1, 2},
		{"no values", nil, []float64{1}, nan, nan, nan},
		{"nothing to compare with", []float64{1}, nil, nan, nan, nan},
		{"NaN", []float64{1, nan}, []float64{1, 2}, nan, nan, nan},
		{"infinite", []float64{1, inf}, []float64{1, 2}, nan, 0.625, nan},
		{"one each", []float64{2}, []float64{1}, 2, 1, nan},
	} {
		for name, pair := range map[string][2]float64{
			"MeanRatio":     {c.ratio, MeanRatio(c.x, c.y)},
			"VarghaDelaney": {c.superior, VarghaDelaney(c.x, c.y)},
			"CohenD":        {c.cohen, CohenD(c.x, c.y)},
		} {
			if math.IsNaN(pair[0]) {
				require.True(t, math.IsNaN(pair[1]), "%s, %s: %v", c.story, name, pair[1])
			} else {
				require.InDelta(t, pair[0], pair[1], 1e-6, "%s, %s", c.story, name)
			}
		}
	}
}
