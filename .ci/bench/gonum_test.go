// Package bench compares analysis/evidence with gonum, in one run and on the same
// figures, where gonum has the same function:
//
//	go test -C .ci/bench -bench=.
//
// It has no rank test. Its ROC curve has an area that is the same as the effect size
// of one, U/mn. Sequential tests it has none.
package bench

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/integrate"
	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/tidegate-go/tidegate/analysis/evidence"
)

// latencies are two samples, of values that differ or of rounded ones with many ties.
func latencies(n int, step float64) (x, y []float64) {
	rng := rand.New(rand.NewPCG(1, uint64(n)))
	draw := func(mean float64) []float64 {
		values := make([]float64, n)
		for i := range values {
			values[i] = mean * math.Exp(0.5*rng.NormFloat64())
			if step > 0 {
				values[i] = step * math.Round(values[i]/step)
			}
		}
		return values
	}
	return draw(0.11), draw(0.1)
}

// area is that under the ROC curve: how often a value of x exceeds one of y.
func area(x, y []float64) float64 {
	values, ofX := append(slices.Clone(y), x...), make([]bool, len(x)+len(y))
	for i := len(y); i < len(ofX); i++ {
		ofX[i] = true
	}
	stat.SortWeightedLabeled(values, ofX, nil)
	tpr, fpr, _ := stat.ROC(nil, values, ofX, nil)
	return integrate.Trapezoidal(fpr, tpr)
}

// cohenD is evidence.CohenD in terms of gonum.
func cohenD(x, y []float64) float64 {
	a, v := stat.MeanVariance(x, nil)
	b, w := stat.MeanVariance(y, nil)
	m, n := float64(len(x)), float64(len(y))
	return (a - b) / math.Sqrt(((m-1)*v+(n-1)*w)/(m+n-2))
}

func TestBothFindTheSame(t *testing.T) {
	near := func(what string, ours, theirs float64) {
		t.Helper()
		if !(math.Abs(ours-theirs) <= 1e-9*max(1, math.Abs(theirs))) {
			t.Errorf("%s: %v here, %v with gonum", what, ours, theirs)
		}
	}
	for _, n := range []int{5, 60, 1000} {
		for _, step := range []float64{0, 0.02} {
			x, y := latencies(n, step)
			near("VarghaDelaney", evidence.VarghaDelaney(x, y), area(x, y))
			near("CohenD", evidence.CohenD(x, y), cohenD(x, y))
			near("MeanRatio", evidence.MeanRatio(x, y), stat.Mean(x, nil)/stat.Mean(y, nil))
		}
	}
	for _, p := range []float64{0.5, 0.9, 0.999} {
		low, high := evidence.Wilson(7, 100, p)
		z := distuv.UnitNormal.Quantile((1 + p) / 2)
		mid, half := (7+z*z/2)/(100+z*z), z/(100+z*z)*math.Sqrt(7*93/100.+z*z/4)
		near("Wilson", low, mid-half)
		near("Wilson", high, mid+half)
	}
}

// sink keeps results.
func sink(b *testing.B, v float64) {
	if math.IsNaN(v) {
		b.Fatal("NaN")
	}
}

func BenchmarkAgainstGonum(b *testing.B) {
	for _, n := range []int{60, 1000} {
		for _, ties := range []bool{false, true} {
			step := 0.0
			if ties {
				step = 0.02
			}
			x, y := latencies(n, step)
			for name, f := range map[string]func() float64{
				"VarghaDelaney/tidegate": func() float64 { return evidence.VarghaDelaney(x, y) },
				"VarghaDelaney/gonum":    func() float64 { return area(x, y) },
				"CohenD/tidegate":        func() float64 { return evidence.CohenD(x, y) },
				"CohenD/gonum":           func() float64 { return cohenD(x, y) },
			} {
				b.Run(fmt.Sprintf("%s/%d v %d, ties %t", name, n, n, ties), func(b *testing.B) {
					b.ReportAllocs()
					for b.Loop() {
						sink(b, f())
					}
				})
			}
			b.Run(fmt.Sprintf("MannWhitney/tidegate/%d v %d, ties %t", n, n, ties), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					sink(b, evidence.NewMannWhitney(x, y).Asymptotic(evidence.TwoSided, true))
				}
			})
		}
	}
	x, _ := latencies(1000, 0)
	slices.Sort(x)
	for name, f := range map[string]func() float64{
		"Quantile/tidegate": func() float64 { return evidence.Quantile(x, 0.99) },
		"Quantile/gonum":    func() float64 { return stat.Quantile(0.99, stat.LinInterp, x, nil) }, // another type, as much work
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				sink(b, f())
			}
		})
	}
}
