package main

import (
	"math"

	"github.com/tidegate-go/tidegate/analysis/evidence"
)

// zTest is the test of two rates that books have, one-sided at 5%, done again after
// every scrape.
type zTest struct{ sum evidence.Counts }

func (w *zTest) alarm(c evidence.Counts) bool {
	s := &w.sum
	s.CanaryEvents, s.CanaryTotal = s.CanaryEvents+c.CanaryEvents, s.CanaryTotal+c.CanaryTotal
	s.BaselineEvents, s.BaselineTotal = s.BaselineEvents+c.BaselineEvents, s.BaselineTotal+c.BaselineTotal
	n, m := float64(s.CanaryTotal), float64(s.BaselineTotal)
	p := float64(s.CanaryEvents+s.BaselineEvents) / (n + m)
	z := (float64(s.CanaryEvents)/n - float64(s.BaselineEvents)/m) / math.Sqrt(p*(1-p)*(1/n+1/m))
	const quantile = 1.6449
	return z > quantile // false for NaN: no errors yet, or an arm without requests
}
