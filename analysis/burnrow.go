package analysis

import (
	"strconv"
	"time"
)

// burnRow is a row of a BurnRate with the counts of its two windows.
type burnRow struct {
	BurnWindow
	budget      float64
	long, short recent

	// What each arm has shown, by sum.
	longCanary, longBaseline   Summary
	shortCanary, shortBaseline Summary
	// shared says that the baseline burned just as much when it was last seen with
	// enough requests, and that the canary has not stopped burning since.
	shared bool
}

func (r *burnRow) sum(minSamples uint64) {
	r.longCanary, r.longBaseline = r.long.arms()
	r.shortCanary, r.shortBaseline = r.short.arms()
	if r.shortBaseline.Total >= minSamples || !r.lately() {
		r.shared = r.lately() && r.asMuch(r.longCanary, r.longBaseline) && r.asMuch(r.shortCanary, r.shortBaseline)
	}
}

// burn is an arm's burn rate.
func (r *burnRow) burn(s Summary) float64 { return s.Rate / r.budget }

// heat is an arm's burn rate in terms of the factor: it burns at 1. Rounding of the
// budget, such as 1−0.999, must not decide about a burn rate that is exactly there.
func (r *burnRow) heat(s Summary) float64 {
	const rounding = 1 + 1e-9
	return rounding * r.burn(s) / r.Factor
}

// lately tells whether the canary burns over the short window, and burns whether it
// does so over both.
func (r *burnRow) lately() bool { return r.heat(r.shortCanary) >= 1 }
func (r *burnRow) burns() bool  { return r.lately() && r.heat(r.longCanary) >= 1 }

// near is how near the row is to burning: it burns at 1.
func (r *burnRow) near() float64 { return min(r.heat(r.longCanary), r.heat(r.shortCanary)) }

// inTime tells whether the short window was seen in full, or enough of it: whether the
// row would burn at the window's end even if there were no errors in its rest.
func (r *burnRow) inTime(seen time.Duration) bool {
	return seen >= r.Short || r.near()*float64(seen)/float64(r.Short) >= 1
}

// asMuch tells whether the baseline burns just as much as the canary over a window.
// Where the canary does not burn, there is nothing to share.
func (r *burnRow) asMuch(canary, baseline Summary) bool {
	return r.heat(canary) < 1 ||
		r.burn(baseline) > min(1, r.Factor) && (baseline.Rate >= canary.Rate || justAsMuch(canary, baseline))
}

// limit says when the row fails the canary.
func (r *burnRow) limit() string { return "fails at " + plain(r.Factor) + "x" }

// baselineFigures says how the baseline burns.
func (r *burnRow) baselineFigures() string {
	if r.shortBaseline.Total == 0 {
		return "so did the baseline when it was last seen, before the release got there"
	}
	return "so does the baseline, " + r.times(r.longBaseline) + " and " + r.times(r.shortBaseline) + " (" + arm("baseline", r.longBaseline) + ")"
}

// times writes an arm's burn rate, such as "0x", "0.52x" or "1000x".
func (r *burnRow) times(s Summary) string {
	switch burn := r.burn(s); {
	case burn == 0:
		return "0x"
	case burn >= 100:
		return strconv.FormatFloat(burn, 'f', 0, 64) + "x"
	default:
		return times(burn) + "x"
	}
}
