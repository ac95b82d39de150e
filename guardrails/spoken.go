package guardrails

import (
	"fmt"
	"time"
)

// askPatience is how long a question may take that a guard asks somebody else: less
// than a rollout waits for the guard.
const askPatience = 4 * time.Second

// minEvery is the least that may lie between two questions of a guard.
const minEvery = 100 * time.Millisecond

// roughly says how long something takes, in its two largest units and rounded up to
// the smaller of them, such as "2d4h" or "45s".
func roughly(d time.Duration) string {
	for _, u := range []struct {
		large, small time.Duration
		format       string
	}{{day, time.Hour, "%dd%dh"}, {time.Hour, time.Minute, "%dh%dm"}, {time.Minute, time.Second, "%dm%ds"}} {
		if n := (d + u.small - 1) / u.small; n >= u.large/u.small {
			if rest := n % (u.large / u.small); rest != 0 {
				return fmt.Sprintf(u.format, n/(u.large/u.small), rest)
			}
			return fmt.Sprintf(u.format[:3], n/(u.large/u.small))
		}
	}
	return fmt.Sprintf("%ds", max(0, (d+time.Second-1)/time.Second))
}

// moment says when something is, such as "Mon 09:00 CET", with its date where the
// weekday alone may be misunderstood.
func moment(at, now time.Time) string {
	switch distance := at.Sub(now); {
	case distance < -6*day || distance > 300*day:
		return at.Format("Mon 2 Jan 2006 15:04 MST")
	case distance > 6*day:
		return at.Format("Mon 2 Jan 15:04 MST")
	}
	return at.Format("Mon 15:04 MST")
}
