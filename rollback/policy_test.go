package rollback_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/rollback"
)

var _ analysis.Problemer = rollback.Policy{}

func TestWithDefaults(t *testing.T) {
	require.Equal(t, rollback.Policy{
		Batch: 33, Attempts: 3, Timeout: 5 * time.Minute, Backoff: time.Second, Deadline: time.Hour,
		Jitter: time.Second, RevertWindow: 72 * time.Hour,
	}, rollback.Policy{}.WithDefaults())
	full := rollback.Policy{Batch: 1, Parallel: 2, Attempts: 3, Timeout: 4, Backoff: 5, Deadline: 6, Jitter: -1, RevertWindow: 7}
	require.Equal(t, full, full.WithDefaults())
}

func TestProblems(t *testing.T) {
	for _, tc := range []struct {
		policy rollback.Policy
		want   []string
	}{
		{rollback.Policy{}, nil},
		{rollback.Policy{Batch: 100, Parallel: 10, Attempts: 1, Timeout: time.Minute, Backoff: time.Minute, Deadline: time.Minute}, nil},
		{rollback.Policy{Batch: 0.01}, nil},
		{rollback.Policy{Batch: 100.1}, []string{"Batch is 100.1: want a percentage above 0, at most 100"}},
		{rollback.Policy{Batch: math.NaN()}, []string{"Batch is NaN: want a percentage above 0, at most 100"}},
		{rollback.Policy{Batch: math.Inf(1)}, []string{"Batch is +Inf: want a percentage above 0, at most 100"}},
		{rollback.Policy{Batch: -1, Parallel: -2, Attempts: -3, Timeout: -4, Backoff: -5, Deadline: -6}, []string{
			"Batch is -1: want a percentage above 0, at most 100",
			"Parallel is negative (-2)",
			"Attempts is negative (-3)",
			"Timeout is negative (-4ns)",
			"Backoff is negative (-5ns)",
			"Deadline is negative (-6ns)",
		}},
		{rollback.Policy{Timeout: 2 * time.Hour}, []string{"Timeout one try may take 2h0m0s, but the whole rollback has 1h0m0s"}},
		{rollback.Policy{Deadline: time.Minute}, nil},
		{rollback.Policy{Timeout: 5 * time.Minute, Deadline: time.Minute}, []string{"Timeout one try may take 5m0s, but the whole rollback has 1m0s"}},
	} {
		var got []string
		tc.policy.Problems(func(path, msg string) { got = append(got, path+" "+msg) })
		require.Equal(t, tc.want, got, "%+v", tc.policy)
	}
}

func TestSize(t *testing.T) {
	for _, tc := range []struct {
		batch   float64
		n, want int
	}{
		{0, 100, 33},
		{33, 40, 13},
		{33, 3, 1}, // 0.99: at least one, or it would never end
		{1, 0, 1},
		{100, 7, 7},
		{50, 7, 3},
		{33.3, 1000, 333},
		{0.001, 10, 1},
		// Settings that Problems refuses.
		{-5, 10, 1},
		{1e300, 10, 10},
		{math.Inf(1), 10, 10},
		{math.NaN(), 10, 1},
	} {
		require.Equal(t, tc.want, rollback.Policy{Batch: tc.batch}.Size(tc.n), "%v%% of %d", tc.batch, tc.n)
	}
}

// Size rounds down, but to no less than one.
func TestSizeProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		hundredths := rapid.IntRange(1, 10_000).Draw(t, "hundredths of a percent")
		n := rapid.IntRange(1, 1_000_000).Draw(t, "fleet")
		size := rollback.Policy{Batch: float64(hundredths) / 100}.Size(n)
		if want := max(1, hundredths*n/10_000); size != want {
			t.Fatalf("size %d, want %d", size, want)
		}
	})
}

func ExamplePolicy() {
	p := rollback.Policy{Batch: 25, Timeout: 5 * time.Minute, Deadline: 3 * time.Minute}
	fmt.Println("undone at once, of 40:", p.Size(40))
	fmt.Println("tries each:", p.WithDefaults().Attempts)
	p.Problems(func(path, msg string) { fmt.Printf("%s: %s\n", path, msg) })
	// Output:
	// undone at once, of 40: 10
	// tries each: 3
	// Timeout: one try may take 5m0s, but the whole rollback has 3m0s
}
