package execdeploy

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/tidegate-go/tidegate/rollout"
)

// leftovers are the programs of a runner that was killed by KILL, so that nobody was
// left to stop them. One that is still at work must not be joined by another for the
// same target: it would be the last to write.
type leftovers struct {
	once sync.Once
	err  error
}

// stop stops what earlier runners of the rollout have left on this machine. It does
// so once, when the first step is carried out: the rollout is this runner's then.
func (l *leftovers) stop(ctx context.Context, c Commands, release rollout.Release) error {
	name, _, ok := strings.Cut(release.Key, "/")
	if !ok || c.Owner == "" || release.Fence < 2 {
		return nil // nobody was here before, or nobody can tell
	}
	earlier := lineage{c.Owner, name, release.Fence}
	l.once.Do(func() { l.err = earlier.stop(context.WithoutCancel(ctx), c.Grace) })
	return l.err
}

// again is the time between two looks at what is being stopped.
const again = 10 * time.Millisecond

// ownerName is the variable with the Owner.
const ownerName = "TIDEGATE_OWNER"

// lineage are the runners of a rollout before the one with this fence.
type lineage struct {
	owner, rollout string
	fence          uint64
}

// stop sends TERM, and KILL after the grace.
func (l lineage) stop(ctx context.Context, grace time.Duration) error {
	if grace <= 0 {
		grace = DefaultGrace
	}
	groups := l.groups()
	for _, kill := range []bool{false, true} {
		for _, g := range groups {
			signalGroup(g, kill)
		}
		timed, cancel := context.WithTimeout(ctx, grace)
		ticks := time.NewTicker(again)
		for len(groups) > 0 && timed.Err() == nil {
			select {
			case <-ticks.C:
			case <-timed.Done():
			}
			groups = l.groups()
		}
		ticks.Stop()
		cancel()
		if len(groups) == 0 {
			return nil
		}
	}
	return fmt.Errorf("a program that an earlier runner has left does not end, in process group %d", groups[0])
}
