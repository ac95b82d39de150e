package rollback_test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/tidegate-go/tidegate/rollback"
)

// Whatever the settings and however many tries, a pause is never negative,
// never longer than the doubled backoff, and never longer than MaxPause.
func TestPauseBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		backoff := time.Duration(rapid.Int64().Draw(t, "backoff"))
		try := rapid.Int().Draw(t, "try")
		pause := rollback.Policy{Backoff: backoff}.Pause(try)
		if backoff == 0 {
			backoff = rollback.DefaultBackoff
		}
		longest := min(rollback.MaxPause.Seconds(), math.Ldexp(max(backoff, 0).Seconds(), min(max(try, 1), 100)-1))
		if pause < 0 || pause.Seconds() > longest+1e-9 {
			t.Fatalf("paused %v after try %d, at most %v s were due", pause, try, longest)
		}
	})
}

func TestPause(t *testing.T) {
	for _, tc := range []struct {
		backoff time.Duration
		try     int
		longest time.Duration
	}{
		{0, 1, time.Second},
		{0, 2, 2 * time.Second},
		{0, 5, 16 * time.Second},
		{0, 6, rollback.MaxPause},
		{0, math.MaxInt, rollback.MaxPause},
		{100 * time.Millisecond, 4, 800 * time.Millisecond},
		{time.Hour, 1, rollback.MaxPause},
		{math.MaxInt64, 3, rollback.MaxPause},
	} {
		// Full jitter: of a thousand pauses some are short and some are long. That
		// one of the two is missing has a chance of 2 in 10^45.
		var short, long bool
		for range 1000 {
			pause := rollback.Policy{Backoff: tc.backoff}.Pause(tc.try)
			require.LessOrEqual(t, pause, tc.longest)
			require.GreaterOrEqual(t, pause, time.Duration(0))
			short = short || pause < tc.longest/10
			long = long || pause > tc.longest*9/10
		}
		require.True(t, short && long, "%+v", tc)
	}
}

func BenchmarkPause(b *testing.B) {
	for b.Loop() {
		rollback.Policy{}.Pause(3)
	}
}
