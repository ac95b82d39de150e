package rollback

import "time"

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

// Rounds returns how many undos come after one another when n steps are undone in
// batches of at most size, so many of them at once: what a rollback takes, in undos.
func Rounds(n, size, parallel int) (rounds, batches int) {
	size, parallel = max(size, 1), max(parallel, 1)
	for n > 0 {
		b := min(Ramp(batches, size), n)
		rounds += (b + parallel - 1) / parallel
		batches++
		n -= b
		if full := n / size; b == size && full > 1 { // the rest is all alike
			rounds += full * ((size + parallel - 1) / parallel)
			batches += full
			n -= full * size
		}
	}
	return rounds, batches
}

// Estimate returns how long it takes to undo n steps in batches of at most size, so
// many of them at once, when one undo takes as long as it does, and the undos of a
// batch begin within jitter.
func Estimate(n, size, parallel int, takes, jitter time.Duration) time.Duration {
	rounds, batches := Rounds(n, size, parallel)
	return time.Duration(rounds)*takes + time.Duration(max(batches-1, 0))*max(jitter, 0)
}
