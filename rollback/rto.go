package rollback

import (
	"math"
	"time"
)

// Ramp returns how many steps the batch of a number, from 0, may have, where a whole
// batch has size: 1, then Growth times the one before.
func Ramp(number, size int) int {
	n := 1
	for range number {
		if n >= size {
			break
		}
		n *= Growth
	}
	return min(n, size)
}

// Rounds returns how many undos come after one another when all steps of waves of
// these sizes, the oldest first, are undone: the newest wave first, in batches of at
// most size that end with their wave, so many at once.
func Rounds(waves []int, size, parallel int) (rounds, batches int) {
	size, parallel = max(size, 1), max(parallel, 1)
	up := func(n int) int { return (n + parallel - 1) / parallel }
	for i := len(waves) - 1; i >= 0; i-- {
		for n := waves[i]; n > 0; {
			b := Ramp(batches, size)
			if whole := n / size; b == size && whole > 0 { // they are all alike
				rounds, batches, n = rounds+whole*up(size), batches+whole, n-whole*size
				continue
			}
			b = min(b, n)
			rounds, batches, n = rounds+up(b), batches+1, n-b
		}
	}
	return rounds, batches
}

// Estimate returns how long that takes, when one undo takes as long as it does, and the
// undos of a batch begin within jitter. It is never less than that, however long.
func Estimate(waves []int, size, parallel int, takes, jitter time.Duration) time.Duration {
	rounds, batches := Rounds(waves, size, parallel)
	undos, pauses := times(rounds, takes), times(batches-1, jitter)
	if undos > math.MaxInt64-pauses {
		return math.MaxInt64
	}
	return undos + pauses
}

// times returns n times a duration, or the longest there is: what is too long to be told
// must not come out as short.
func times(n int, d time.Duration) time.Duration {
	switch {
	case n <= 0 || d <= 0:
		return 0
	case d > math.MaxInt64/time.Duration(n):
		return math.MaxInt64
	}
	return time.Duration(n) * d
}
