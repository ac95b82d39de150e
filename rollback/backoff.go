package rollback

import (
	"math/rand/v2"
	"time"
)

// MaxPause is the longest pause between two tries of an undo: in an outage a
// longer one would cost more than it spares.
const MaxPause = 30 * time.Second

// Pause returns how long to wait after the given failed try (counted from 1):
// a random time up to Backoff·2^(try-1), at most 30 s. The full jitter keeps a
// fleet from coming back in step ("Exponential Backoff And Jitter", AWS
// Architecture Blog, 2015).
func (p Policy) Pause(try int) time.Duration {
	ceiling := p.WithDefaults().Backoff
	if ceiling < 0 {
		return 0 // Problems refuses it
	}
	for i := 1; i < try && ceiling < MaxPause; i++ {
		ceiling *= 2
	}
	return rand.N(min(ceiling, MaxPause) + 1)
}
