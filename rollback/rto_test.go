package rollback_test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/tidegate-go/tidegate/rollback"
)

func TestRounds(t *testing.T) {
	for _, tc := range []struct {
		name                            string
		waves                           []int
		size, parallel, rounds, batches int
	}{
		{"one target", []int{1}, 1, 1, 1, 1},
		{"nothing", nil, 5, 5, 0, 0},
		{"1, 4, 5", []int{10}, 5, 5, 3, 3},
		{"1, then 4 and 5 by twos", []int{10}, 5, 2, 1 + 2 + 3, 3},
		{"a wave of one each is a batch of one each", []int{1, 1, 1, 1}, 2, 2, 4, 4},
		{"1, 4 and the 5 left, of the newer wave; the one of the older", []int{1, 10}, 33, 10, 4, 4},
		{"a hundred: 1, 4, 16, 33, 33, 13", []int{100}, 33, 33, 6, 6},
	} {
		rounds, batches := rollback.Rounds(tc.waves, tc.size, tc.parallel)
		require.Equal(t, [2]int{tc.rounds, tc.batches}, [2]int{rounds, batches}, tc.name)
	}
	require.Equal(t, 3*time.Minute+2*time.Second, rollback.Estimate([]int{10}, 5, 5, time.Minute, time.Second))
	require.Equal(t, 3*time.Minute, rollback.Estimate([]int{10}, 5, 5, time.Minute, -1))
	const ever = time.Duration(math.MaxInt64)
	require.Equal(t, ever, rollback.Estimate([]int{200_000}, 1, 1, 24*time.Hour, 0), "too long to be told is not short")
	require.Equal(t, ever, rollback.Estimate([]int{10}, 1, 1, ever/10, ever/100))
}

// Counting one batch after the other comes to the same.
func TestRoundsAreWhatOneCounts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		waves := rapid.SliceOfN(rapid.IntRange(0, 60), 0, 6).Draw(t, "waves")
		size, parallel := rapid.IntRange(1, 40).Draw(t, "size"), rapid.IntRange(1, 12).Draw(t, "parallel")
		rounds, batches := 0, 0
		for i := len(waves) - 1; i >= 0; i-- {
			for left := waves[i]; left > 0; batches++ {
				b := min(rollback.Ramp(batches, size), left)
				for n := b; n > 0; n -= parallel {
					rounds++
				}
				left -= b
			}
		}
		r, b := rollback.Rounds(waves, size, parallel)
		require.Equal(t, [2]int{rounds, batches}, [2]int{r, b})
	})
}
