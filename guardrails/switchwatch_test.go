package guardrails_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/guardrails"
)

// watch runs Watch in a goroutine. What it returns stops it and waits for that;
// changes counts the calls of changed, and is good after synctest.Wait.
func watch(t *testing.T, k *guardrails.KillSwitch) (changes *atomic.Int32, stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	changes = new(atomic.Int32)
	go func() {
		defer close(ended)
		k.Watch(ctx, func() { changes.Add(1) })
	}()
	synctest.Wait()
	return changes, func() {
		cancel()
		<-ended
	}
}

func TestWatchTellsOfATripAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var k guardrails.KillSwitch
		changes, stop := watch(t, &k)
		defer stop()
		require.Zero(t, changes.Load())
		begin := time.Now()
		require.NoError(t, k.Trip("alice", "orders are down"))
		synctest.Wait()
		require.EqualValues(t, 1, changes.Load())
		require.NoError(t, k.Reset("carol", "fixed"))
		synctest.Wait()
		require.EqualValues(t, 2, changes.Load())
		require.Zero(t, time.Since(begin))
	})
}

func TestWatchTellsOfATripBeforeIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var k guardrails.KillSwitch
		require.NoError(t, k.Trip("alice", "orders are down"))
		changes, stop := watch(t, &k)
		defer stop()
		require.EqualValues(t, 1, changes.Load())
	})
}

func TestWatchReadsEachEvery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &dial{}
		k := &guardrails.KillSwitch{Sources: []guardrails.SwitchSource{d}, Every: 100 * time.Millisecond}
		changes, stop := watch(t, k)
		time.Sleep(950 * time.Millisecond)
		require.Equal(t, 10, d.count())
		require.Zero(t, changes.Load())
		require.Nil(t, check(t, k, guardrails.Deploy))
		require.Equal(t, 10, d.count(), "a check of a switch that is watched has nothing to read")

		d.trip("bad orders")
		time.Sleep(50 * time.Millisecond)
		synctest.Wait()
		require.True(t, k.Tripped())
		require.EqualValues(t, 1, changes.Load())

		stop()
		reads := d.count()
		time.Sleep(time.Hour)
		require.Equal(t, reads, d.count(), "nothing goes on once Watch has returned")
	})
}

// A watched switch whose source goes away holds, trips, and tells of both; a
// fault within the grace does neither.
func TestWatchFailsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &dial{}
		k := &guardrails.KillSwitch{Sources: []guardrails.SwitchSource{d}}
		changes, stop := watch(t, k)
		defer stop()
		d.fail("no route")
		time.Sleep(9500 * time.Millisecond)
		d.clear()
		time.Sleep(time.Second)
		require.Zero(t, changes.Load())

		d.fail("no route")
		time.Sleep(9 * time.Second)
		require.False(t, k.Tripped())
		time.Sleep(3 * time.Second)
		require.True(t, k.Tripped(), "without any check")
		require.NotZero(t, changes.Load())
		require.Equal(t, "dial", k.Records()[0].Actor)
		require.Equal(t, "it can't be read, for 10s now: no route", k.Records()[0].Reason)
	})
}

// Whoever waits on a hold hears when the source answers.
func TestWatchTellsWhenAHoldClears(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &dial{}
		d.fail("no route")
		k := &guardrails.KillSwitch{Sources: []guardrails.SwitchSource{d}}
		changes, stop := watch(t, k)
		defer stop()
		require.Equal(t, guardrails.Hold, check(t, k, guardrails.Deploy).Consequence)
		synctest.Wait()
		before := changes.Load()
		d.clear()
		time.Sleep(time.Second)
		synctest.Wait()
		require.Equal(t, before+1, changes.Load())
		require.Nil(t, check(t, k, guardrails.Deploy))
	})
}

// pager is a source that learns of a trip at once.
type pager struct {
	dial
	pages chan struct{}
}

func (p *pager) Watch(ctx context.Context, changed func()) {
	for {
		select {
		case <-p.pages:
			changed()
		case <-ctx.Done():
			return
		}
	}
}

func TestWatchListensToSources(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &pager{pages: make(chan struct{})}
		k := &guardrails.KillSwitch{Sources: []guardrails.SwitchSource{&dial{}, p}}
		changes, stop := watch(t, k)
		defer stop()
		begin, before := time.Now(), changes.Load()
		p.trip("bad orders")
		p.pages <- struct{}{}
		synctest.Wait()
		require.True(t, k.Tripped())
		require.Equal(t, before+1, changes.Load())
		require.Zero(t, time.Since(begin))
	})
}

// A page that comes while an older read is under way gets a read of its own.
func TestWatchReadsAgainAfterAPage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &pager{pages: make(chan struct{})}
		release := make(chan struct{})
		p.deaf = release
		k := &guardrails.KillSwitch{Sources: []guardrails.SwitchSource{p}}
		_, stop := watch(t, k)
		defer stop()
		begin := time.Now()
		p.pages <- struct{}{}
		synctest.Wait()
		p.set(func(d *dial) { d.deaf = nil })
		close(release)
		synctest.Wait()
		require.Equal(t, 2, p.count())
		require.Zero(t, time.Since(begin))
	})
}

// A source whose Watch panics is still read each Every.
func TestWatchSurvivesItsSources(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &guardrails.KillSwitch{Sources: []guardrails.SwitchSource{bomb{}, nil}}
		_, stop := watch(t, k)
		defer stop()
		time.Sleep(time.Minute)
		require.True(t, k.Tripped())
	})
}

// When Watch returns, so has every read that heeds its ctx. (synctest.Test
// itself fails when a goroutine stays behind.)
func TestWatchLeavesNothingBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow, quick := &dial{slow: true, linger: 100 * time.Millisecond}, &dial{}
		k := &guardrails.KillSwitch{Sources: []guardrails.SwitchSource{slow, quick}}
		_, stop := watch(t, k)
		time.Sleep(2500 * time.Millisecond)
		begin := time.Now()
		stop()
		require.Equal(t, 100*time.Millisecond, time.Since(begin))
		require.Zero(t, slow.running)
		require.Zero(t, quick.running)
	})
}

// A watch does not wait for what another has started.
func TestWatchesEndByThemselves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &dial{slow: true}
		k := &guardrails.KillSwitch{Sources: []guardrails.SwitchSource{d}}
		_, stopFirst := watch(t, k)
		_, stopSecond := watch(t, k)
		require.Equal(t, 1, d.count(), "they share the read")
		begin := time.Now()
		stopSecond()
		require.Zero(t, time.Since(begin))
		time.Sleep(5 * time.Second)
		require.Greater(t, d.count(), 1, "the first goes on")
		stopFirst()
	})
}

// A read that was cut short by the end of a watch says nothing about the source.
func TestWatchEndIsNoFault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &dial{}
		k := &guardrails.KillSwitch{Sources: []guardrails.SwitchSource{d}}
		require.Nil(t, check(t, k, guardrails.Deploy))
		d.set(func(d *dial) { d.slow = true })
		_, stop := watch(t, k)
		stop()
		time.Sleep(time.Hour)
		d.set(func(d *dial) { d.slow = false; d.err = context.Canceled })
		require.Equal(t, guardrails.Hold, check(t, k, guardrails.Deploy).Consequence, "one fault, not an hour of them")
		d.clear()
		time.Sleep(time.Second)
		require.Nil(t, check(t, k, guardrails.Deploy))
	})
}

// A source that hangs for good can't keep Watch.
func TestWatchReturnsFromAHungSource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		d := &dial{deaf: release}
		k := &guardrails.KillSwitch{Sources: []guardrails.SwitchSource{d}}
		_, stop := watch(t, k)
		begin := time.Now()
		stop()
		require.LessOrEqual(t, time.Since(begin), time.Second)
		time.Sleep(time.Minute)
		require.Equal(t, guardrails.Halt, check(t, k, guardrails.Deploy).Consequence)
		require.Equal(t, 1, d.count())
		close(release)
	})
}

func TestWatchNeedsNoCallback(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var k guardrails.KillSwitch
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { defer close(ended); k.Watch(ctx, nil) }()
		require.NoError(t, k.Trip("alice", "stop"))
		synctest.Wait()
		cancel()
		<-ended
	})
}

// changed may call the switch: nothing is locked while it runs.
func TestWatchCallbackMayUseTheSwitch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var k guardrails.KillSwitch
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		seen := make(chan error, 10)
		go k.Watch(ctx, func() {
			seen <- k.Check(ctx, guardrails.Action{})
			_ = k.Reset("auto", "a test")
		})
		synctest.Wait()
		require.NoError(t, k.Trip("alice", "stop"))
		require.ErrorContains(t, <-seen, "alice: stop")
		require.NoError(t, <-seen)
	})
}
