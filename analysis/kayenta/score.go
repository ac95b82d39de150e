package kayenta

import (
	"fmt"
	"maps"
	"math"
	"math/big"
	"slices"
	"strconv"
)

// MetricResult is the result of one metric of a canary, as far as its score needs
// it. A metric that comes in several tag sets has one for each.
type MetricResult struct {
	Name string
	// Groups are those that the metric counts in. In none it counts for nothing,
	// unless it fails the canary.
	Groups []string
	Label  Label
	// Critical is that of the Result, not of the Config.
	Critical bool
	// Muted leaves the metric out.
	Muted bool
}

// Score is how good a canary is, from 0 to 100.
type Score struct {
	Total float64
	// Groups are in the order of their names.
	Groups []GroupScore
	// Reason says why the total is 0 whatever the groups have; empty otherwise.
	Reason string
}

// GroupScore is how good one group of metrics is.
type GroupScore struct {
	Name string
	// Score is the percentage of its metrics that pass, of those that have data and
	// no error.
	Score float64
	// NoData says that there are none. Its score is then 0, and the total takes it
	// for 100.
	NoData bool
	// Weight is the group's percentage of the total.
	Weight float64
}

// Sum adds up the results of all metrics of a canary. Weights are the groups'
// percentages of the total. Groups without one share equally what the weights
// leave of 100; a weight of a group that has no results is lost.
//
// The total is 0 if any metric that is critical does not pass, if half of the
// metrics or more are Nodata, and if there are none. It is also 0 if weights are
// negative, not finite, or above 100 together, which Kayenta does not look at.
func Sum(results []MetricResult, weights map[string]float64) Score {
	results = slices.DeleteFunc(slices.Clone(results), func(r MetricResult) bool { return r.Muted })
	var s Score
	problem := weightProblem(weights)
	if problem == "" {
		s.Groups = groupScores(results, weights)
	}
	nodata := 0
	for _, r := range results {
		if r.Critical && r.Label != Pass && s.Reason == "" {
			s.Reason = fmt.Sprintf("metric %s is critical and %v", quote(r.Name), r.Label)
		}
		if r.Label == Nodata {
			nodata++
		}
	}
	switch {
	case len(results) == 0:
		s.Reason = "there are no metrics"
	case s.Reason != "":
	case 2*nodata >= len(results):
		s.Reason = fmt.Sprintf("%d of %d metrics have no data", nodata, len(results))
	case problem != "":
		s.Reason = problem
	default:
		for _, g := range s.Groups {
			score := g.Score
			if g.NoData {
				score = 100
			}
			s.Total += score * (g.Weight / 100)
		}
		s.Total = hundredths(s.Total)
	}
	return s
}

func groupScores(results []MetricResult, weights map[string]float64) []GroupScore {
	type tally struct{ passed, judged int }
	tallies := map[string]*tally{}
	for _, r := range results {
		for _, name := range r.Groups {
			t := tallies[name]
			if t == nil {
				t = new(tally)
				tallies[name] = t
			}
			switch r.Label {
			case Nodata, Error:
			case Pass:
				t.passed++
				t.judged++
			default:
				t.judged++
			}
		}
	}
	left, unweighted := 100-total(weights), 0
	for name := range tallies {
		if _, ok := weights[name]; !ok {
			unweighted++
		}
	}
	var groups []GroupScore
	for _, name := range slices.Sorted(maps.Keys(tallies)) {
		t := tallies[name]
		g := GroupScore{Name: name, NoData: t.judged == 0}
		if !g.NoData {
			g.Score = float64(t.passed) / float64(t.judged) * 100
		}
		weight, ok := weights[name]
		if !ok {
			weight = left / float64(unweighted)
		}
		g.Weight = weight
		groups = append(groups, g)
	}
	return groups
}

// total adds up weights in one order, so that it is always the same.
func total(weights map[string]float64) float64 {
	sum := 0.0
	for _, name := range slices.Sorted(maps.Keys(weights)) {
		sum += weights[name]
	}
	return sum
}

// weightProblem says what is wrong with the weights, empty for nothing.
func weightProblem(weights map[string]float64) string {
	for _, name := range slices.Sorted(maps.Keys(weights)) {
		if w := weights[name]; !(w >= 0 && w <= 100) {
			return fmt.Sprintf("the weight of group %s is %v: want 0 to 100", quote(name), w)
		}
	}
	if sum := total(weights); sum > 100+1e-9 {
		return fmt.Sprintf("the weights add up to %v: want at most 100", sum)
	}
	return ""
}

// hundredths rounds to two decimals, halves up, as the number is written.
func hundredths(v float64) float64 {
	exact, ok := new(big.Rat).SetString(strconv.FormatFloat(v, 'f', -1, 64))
	if !ok {
		return 0
	}
	exact.Mul(exact, big.NewRat(100, 1)).Add(exact, big.NewRat(1, 2))
	whole := new(big.Int).Div(exact.Num(), exact.Denom()) // rounds down
	rounded, _ := new(big.Rat).SetFrac(whole, big.NewInt(100)).Float64()
	return max(0, math.Min(rounded, 100))
}

// quote makes a name that comes from outside fit to be read.
func quote(name string) string {
	const most = 60
	if short := []rune(name); len(short) > most {
		name = string(short[:most]) + "…"
	}
	return strconv.Quote(name)
}
