package analysis

import (
	"time"

	"github.com/tidegate-go/tidegate/analysis/evidence"
)

// A BurnWindow is one row of a BurnRate. It burns while the burn rate is at or above
// Factor over both windows: over Long, so that a blip does not count, and over Short,
// so that it stops soon after the errors do.
type BurnWindow struct {
	// Factor is a burn rate, above 0: how many times faster than planned the error
	// budget is used up. At 1 it lasts exactly as long as the objective's period.
	Factor float64
	// Long and Short are how far back the row looks. 0 < Short ≤ Long.
	Long, Short time.Duration
}

// DefaultBurnWindows returns the table of the Site Reliability Workbook (Google 2018,
// chapter 5, for a period of 30 days). Its rows use up 2% of the budget in an hour,
// 5% in six hours, and 10% in three days:
//
//	Factor   Long   Short
//	14.4     1h     5m
//	6        6h     30m
//	1        3d     6h
func DefaultBurnWindows() []BurnWindow {
	return []BurnWindow{
		{Factor: 14.4, Long: time.Hour, Short: 5 * time.Minute},
		{Factor: 6, Long: 6 * time.Hour, Short: 30 * time.Minute},
		{Factor: 1, Long: 72 * time.Hour, Short: 6 * time.Hour},
	}
}

// recentBuckets is how many buckets a window is made of, however long it is. Its
// older end is as sharp as one of them.
const recentBuckets = 60

// recent sums up the counts of a window that slides along with time.
type recent struct {
	width   time.Duration // of a bucket
	newest  int64         // the number of the newest bucket, from the start of the trial
	buckets [recentBuckets]evidence.Counts
	sum     evidence.Counts // of all buckets
}

func newRecent(length time.Duration) recent {
	return recent{width: max(1, length/recentBuckets)}
}

// add counts what was seen at a time since the start. What is older than the window
// counts for nothing.
func (r *recent) add(since time.Duration, c evidence.Counts) {
	n := int64(since / r.width)
	if since < 0 {
		n-- // just before the start is not its bucket
	}
	if n-r.newest >= recentBuckets {
		*r = recent{width: r.width, newest: n}
	}
	for ; r.newest < n; r.newest++ {
		oldest := r.bucket(r.newest + 1)
		r.sum.CanaryEvents -= oldest.CanaryEvents
		r.sum.CanaryTotal -= oldest.CanaryTotal
		r.sum.BaselineEvents -= oldest.BaselineEvents
		r.sum.BaselineTotal -= oldest.BaselineTotal
		*oldest = evidence.Counts{}
	}
	if n <= r.newest-recentBuckets {
		return
	}
	for _, sum := range [...]*evidence.Counts{r.bucket(n), &r.sum} {
		sum.CanaryEvents += c.CanaryEvents
		sum.CanaryTotal += c.CanaryTotal
		sum.BaselineEvents += c.BaselineEvents
		sum.BaselineTotal += c.BaselineTotal
	}
}

// bucket is that of a number, which is negative for what came before the start.
func (r *recent) bucket(n int64) *evidence.Counts {
	return &r.buckets[((n%recentBuckets)+recentBuckets)%recentBuckets]
}

// arms returns what each arm has shown in the window.
func (r *recent) arms() (canary, baseline Summary) {
	canary.add(Counts(r.sum.CanaryEvents, r.sum.CanaryTotal))
	baseline.add(Counts(r.sum.BaselineEvents, r.sum.BaselineTotal))
	return canary, baseline
}
