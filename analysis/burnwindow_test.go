package analysis

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/tidegate-go/tidegate/analysis/evidence"
)

// A window holds what a list of everything says it does, in whatever order it comes.
func TestRecentAgainstAList(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		length := time.Duration(rapid.IntRange(60, 6000).Draw(t, "seconds")) * time.Second
		width := length / recentBuckets
		bucket := func(since time.Duration) int64 {
			n := int64(since / width)
			if since < 0 {
				n--
			}
			return n
		}
		type seen struct {
			since  time.Duration
			counts evidence.Counts
		}
		var all []seen
		newest := int64(0)
		r := newRecent(length)
		for range rapid.IntRange(1, 60).Draw(t, "observations") {
			last := time.Duration(0)
			if len(all) > 0 {
				last = all[len(all)-1].since
			}
			step := time.Duration(rapid.IntRange(-int(length/time.Second)/3, int(length/time.Second)).Draw(t, "step")) * time.Second
			o := seen{last + step, evidence.Counts{
				CanaryEvents: rapid.Uint64Range(0, 5).Draw(t, "events"), CanaryTotal: 5,
				BaselineEvents: rapid.Uint64Range(0, 50).Draw(t, "baseline events"), BaselineTotal: 50,
			}}
			r.add(o.since, o.counts)
			newest = max(newest, bucket(o.since))
			if bucket(o.since) > newest-recentBuckets {
				all = append(all, o) // what came too late never counts
			} else {
				all = append(all, seen{since: o.since})
			}
			var canary, baseline Summary
			for _, o := range all {
				if bucket(o.since) > newest-recentBuckets {
					canary.add(Counts(o.counts.CanaryEvents, o.counts.CanaryTotal))
					baseline.add(Counts(o.counts.BaselineEvents, o.counts.BaselineTotal))
				}
			}
			gotCanary, gotBaseline := r.arms()
			require.Equal(t, canary, gotCanary)
			require.Equal(t, baseline, gotBaseline)
		}
	})
}

func TestRecentForgets(t *testing.T) {
	r := newRecent(time.Hour)
	r.add(0, evidence.Counts{CanaryEvents: 1, CanaryTotal: 10})
	r.add(59*time.Minute+59*time.Second, evidence.Counts{CanaryTotal: 10})
	canary, _ := r.arms()
	require.Equal(t, counted(1, 20), canary)
	r.add(time.Hour, evidence.Counts{CanaryTotal: 10})
	canary, _ = r.arms()
	require.Equal(t, counted(0, 20), canary, "an hour ago is out")
	r.add(1000*time.Hour, evidence.Counts{CanaryTotal: 10})
	r.add(-1000*time.Hour, evidence.Counts{CanaryEvents: 10, CanaryTotal: 10})
	canary, _ = r.arms()
	require.Equal(t, counted(0, 10), canary)
}

func TestSpan(t *testing.T) {
	for want, d := range map[string]time.Duration{
		"0s": 0, "1.5s": 1500 * time.Millisecond, "20s": 20*time.Second + time.Millisecond,
		"5m": 5 * time.Minute, "1m30s": 90 * time.Second, "10s": 10 * time.Second,
		"1h": time.Hour, "1h30m": 90 * time.Minute, "1h0m5s": time.Hour + 5*time.Second,
		"1d": 24 * time.Hour, "3d": 72 * time.Hour, "25h": 25 * time.Hour, "10h": 10 * time.Hour, "20m": 20 * time.Minute,
	} {
		require.Equal(t, want, span(d))
	}
}
