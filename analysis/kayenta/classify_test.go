package kayenta

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// spread makes n points around a value.
func spread(n int, around float64) []float64 {
	points := make([]float64, n)
	for i := range points {
		points[i] = around * (1 + 0.01*float64((i*7)%n-n/2)/float64(n))
	}
	return points
}

func TestClassify(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	limit := func(v float64) *float64 { return &v }
	base, more, less := spread(60, 100), spread(60, 110), spread(60, 90)
	for _, c := range []struct {
		story               string
		config              Config
		experiment, control []float64
		want                Label
		critical            bool
	}{
		{"the same points in another order", Config{}, slices.Sorted(slices.Values(base)), base, Pass, false},
		{"more", Config{}, more, base, High, false},
		{"more, where less is bad", Config{Direction: Decrease}, more, base, Pass, false},
		{"less", Config{}, less, base, Low, false},
		{"less, where more is bad", Config{Direction: Increase}, less, base, Pass, false},
		{"more, but allowed", Config{EffectSize: EffectSize{AllowedIncrease: limit(1.2)}}, more, base, Pass, false},
		{"less, but allowed", Config{EffectSize: EffectSize{AllowedDecrease: limit(0.8)}}, less, base, Pass, false},
		{"more, on a critical metric", Config{Critical: true}, more, base, High, true},
		{"more, but not critically", Config{Critical: true, EffectSize: EffectSize{CriticalIncrease: limit(2)}}, more, base, High, false},
		{"less, on a critical metric", Config{Critical: true}, less, base, Low, true},
		{"less, but not critically", Config{Critical: true, EffectSize: EffectSize{CriticalDecrease: limit(0.5)}}, less, base, Low, false},
		{"more, by pairs", Config{EffectSize: EffectSize{Measure: CLES, AllowedIncrease: limit(0.9)}}, more, base, High, false},
		{"less, by pairs", Config{EffectSize: EffectSize{Measure: CLES, AllowedDecrease: limit(0.1)}}, less, base, Low, false},
		{"an undefined effect reaches all limits", Config{EffectSize: EffectSize{AllowedIncrease: limit(100)}}, spread(60, 5), make([]float64, 60), High, false},

		{"no data", Config{}, nil, nil, Nodata, false},
		{"no canary data", Config{}, []float64{nan, nan}, base, Nodata, false},
		{"no baseline data", Config{}, base, nil, Nodata, false},
		{"no data of a critical metric", Config{Critical: true}, nil, base, Nodata, true},
		{"no data where there must be", Config{MustHaveData: true}, nil, base, NodataFailMetric, false},
		{"a critical metric is Nodata even then", Config{MustHaveData: true, Critical: true}, nil, base, Nodata, true},
		{"no data, which stands for zero", Config{NaN: ReplaceNaN, MustHaveData: true, Critical: true}, nil, base, Pass, false},
		{"NaN, which stands for zero", Config{NaN: ReplaceNaN}, slices.Repeat([]float64{nan}, 60), base, Low, false},

		{"one value in all", Config{}, []float64{3, 3}, []float64{3}, Pass, false},
		{"a value on each side, above", Config{}, []float64{3, 3}, []float64{2, 2}, High, false},
		{"a value on each side, below", Config{}, []float64{2, 2}, []float64{3}, Low, false},
		{"a value on each side, allowed", Config{EffectSize: EffectSize{AllowedIncrease: limit(2)}}, []float64{3, 3}, []float64{2, 2}, Pass, false},
		{"zeros against a value", Config{}, []float64{0, 0}, []float64{3, 3}, Low, false},
		{"a point against a point", Config{}, []float64{3}, []float64{2}, Error, false},
		{"zeros against a point", Config{}, []float64{0, 0}, []float64{3}, Error, false},

		{"an infinite point", Config{}, append([]float64{inf}, more...), base, Error, false},
		{"nothing but infinite points", Config{}, []float64{inf, inf}, []float64{1, 1}, Error, false},
		{"points too far apart", Config{}, []float64{math.MaxFloat64, 1}, []float64{-math.MaxFloat64, 2}, Error, false},
		{"points too large to be added up", Config{}, []float64{math.MaxFloat64, math.MaxFloat64 / 2}, []float64{1, 2}, Error, false},
		{"settings that cannot be", Config{Tolerance: nan}, base, base, Error, false},
		{"and on a critical metric", Config{Confidence: 2, Critical: true}, base, base, Error, false},
	} {
		t.Run(c.story, func(t *testing.T) {
			r := Classify(c.config, c.experiment, c.control)
			require.Equal(t, c.want, r.Label, r.Reason)
			require.Equal(t, c.critical, r.Critical, r.Reason)
			require.NotEmpty(t, r.Reason)
			require.True(t, c.want != Error || math.IsNaN(r.Ratio), "ratio %v", r.Ratio)
		})
	}
}

func TestWhatAClassificationSays(t *testing.T) {
	r := Classify(Config{}, spread(60, 110), spread(60, 100))
	require.Equal(t, "canary 110 against baseline 100 (means of 60 and 60 points, ratio 1.1): shift 10, 98% interval 9.86 to 10.1", r.Reason)
	require.Equal(t, "one value on each side (3 and 2), which leaves nothing to rank", Classify(Config{}, []float64{3}, []float64{2}).Reason)
	require.Equal(t, "the baseline has no data, but must have", Classify(Config{MustHaveData: true}, []float64{3}, nil).Reason)
}

// Whatever the points, there is one label, and turning all around turns it around.
func TestClassifyProperties(t *testing.T) {
	value := rapid.OneOf(
		rapid.Map(rapid.IntRange(-2, 4), func(i int) float64 { return float64(i) }),
		rapid.Float64Range(1, 100),
		rapid.SampledFrom([]float64{math.NaN(), math.Inf(1), math.Inf(-1), math.MaxFloat64, -math.MaxFloat64, 5e-324}),
	)
	rapid.Check(t, func(t *rapid.T) {
		side := rapid.SliceOfN(value, 0, 60)
		experiment, control := side.Draw(t, "experiment"), side.Draw(t, "control")
		c := Config{
			Direction: rapid.SampledFrom([]Direction{Either, Increase, Decrease}).Draw(t, "direction"),
			NaN:       rapid.SampledFrom([]NaNStrategy{RemoveNaN, ReplaceNaN}).Draw(t, "nan"),
			Outliers:  rapid.SampledFrom([]OutlierStrategy{KeepOutliers, RemoveOutliers}).Draw(t, "outliers"),
			Critical:  rapid.Bool().Draw(t, "critical"),
		}
		c.EffectSize.Measure = rapid.SampledFrom([]Measure{MeanRatio, CLES}).Draw(t, "measure")
		before := slices.Clone(experiment)
		r := Classify(c, experiment, control)
		require.NotEqual(t, Unclassified, r.Label)
		require.NotEmpty(t, r.Reason)
		require.False(t, r.Critical && !c.Critical)
		require.False(t, r.Label == High && c.Direction == Decrease || r.Label == Low && c.Direction == Increase)
		require.False(t, r.Label == Nodata && c.NaN == ReplaceNaN)
		require.True(t, slices.EqualFunc(before, experiment, func(a, b float64) bool { return a == b || a != a && b != b }), "points are left alone")

		shuffled := rapid.Permutation(experiment).Draw(t, "shuffled")
		require.Equal(t, r.Label, Classify(c, shuffled, control).Label, "order counts for nothing")

		// Next to the largest float64 a shift of 1 is lost, and next to 1 the smallest,
		// one way and not the other.
		tame := func(x float64) bool { return x == 0 || (math.Abs(x) > 1e-9 && math.Abs(x) < 1e9) }
		if c.EffectSize.Measure == CLES && c.Direction == Either && all(experiment, tame) && all(control, tame) {
			mirror := map[Label]Label{High: Low, Low: High}
			back := Classify(c, control, experiment).Label
			if want, ok := mirror[r.Label]; ok && r.Shift.Lower == r.Shift.Upper {
				require.Equal(t, want, back) // with an interval, the search is not symmetric
			}
		}
	})
}

func all(xs []float64, is func(float64) bool) bool {
	return !slices.ContainsFunc(xs, func(x float64) bool { return !is(x) })
}

func TestIntervalOfWhatIsNotThere(t *testing.T) {
	for story, bad := range map[string][2][]float64{
		"nothing":   {nil, {1}},
		"none left": {{1}, nil},
		"NaN":       {{1, math.NaN()}, {1}},
		"infinite":  {{1}, {math.Inf(1)}},
		"all tied":  {{1}, {2}},
	} {
		_, err := Interval(bad[0], bad[1], 0.98)
		require.Error(t, err, story)
	}
	for _, confidence := range []float64{0, 1, -1, math.NaN()} {
		_, err := Interval([]float64{1, 2}, []float64{3, 4}, confidence)
		require.Error(t, err)
	}
}

// The interval's ends depend on the units, as Kayenta's do: see Interval.
func TestIntervalHasAScale(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	found := func(scale float64) (high int) {
		for range 50 {
			experiment, control := make([]float64, 60), make([]float64, 60)
			for i := range control {
				experiment[i] = 2 * scale * math.Exp(0.2*rng.NormFloat64())
				control[i] = scale * math.Exp(0.2*rng.NormFloat64())
			}
			if Classify(Config{}, experiment, control).Label == High {
				high++
			}
		}
		return high
	}
	require.Equal(t, 50, found(1))
	require.Less(t, found(1e-5), 10, "twice as much goes unseen")
}

func TestOutliers(t *testing.T) {
	points := append(spread(40, 10), 1000, 900, math.NaN())
	require.Len(t, Clean(Config{}, points), 42)
	require.Len(t, Clean(Config{NaN: ReplaceNaN}, points), 43)
	require.Len(t, Clean(Config{Outliers: RemoveOutliers}, points), 41, "of up to 101 points, only the largest")
	far := IQR{Factor: 3}.Find(points)
	require.Equal(t, []bool{true, true, false}, far[40:], "all of them")
	require.Empty(t, Clean(Config{}, nil))
	require.Equal(t, Stats{}, Summarize(nil))
	require.Empty(t, KSigma{K: 3}.Find(nil))
	require.Equal(t, []bool{false}, IQR{Factor: 3, Insensitive: true}.Find([]float64{math.NaN()}))
}

func TestMeansAlone(t *testing.T) {
	for _, c := range []struct {
		direction           Direction
		experiment, control []float64
		want                Label
	}{
		{Either, []float64{2}, []float64{1}, High},
		{Decrease, []float64{2}, []float64{1}, Pass},
		{Either, []float64{1}, []float64{2}, Low},
		{Increase, []float64{1}, []float64{2}, Pass},
		{Either, []float64{1}, []float64{1}, Pass},
		{Either, nil, []float64{1}, Nodata},
		{Either, []float64{math.NaN()}, []float64{1}, Error},
	} {
		require.Equal(t, c.want, ClassifyByMeans(c.direction, c.experiment, c.control))
	}
}

func TestProblemsOfAConfig(t *testing.T) {
	bad := math.Inf(1)
	var paths []string
	Config{
		Direction: 9, NaN: 9, Outliers: 9, OutlierFactor: -1, Tolerance: -1, Confidence: 1,
		EffectSize: EffectSize{Measure: 9, AllowedIncrease: &bad, AllowedDecrease: &bad, CriticalIncrease: &bad, CriticalDecrease: &bad},
	}.Problems(func(path, msg string) {
		require.NotEmpty(t, msg)
		paths = append(paths, path)
	})
	require.Equal(t, []string{"Direction", "NaN", "Outliers", "OutlierFactor", "EffectSize.Measure",
		"EffectSize.AllowedIncrease", "EffectSize.AllowedDecrease", "EffectSize.CriticalIncrease", "EffectSize.CriticalDecrease",
		"Tolerance", "Confidence"}, paths)
	require.Empty(t, firstProblem(Config{}))
}

func BenchmarkClassify(b *testing.B) {
	experiment, control := spread(180, 101), spread(180, 100)
	for b.Loop() {
		Classify(Config{}, experiment, control)
	}
}
