package guardrails_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/guardrails"
)

func TestKillSwitchSurvivesItsSources(t *testing.T) {
	for _, tc := range []struct {
		source guardrails.SwitchSource
		why    string
	}{
		{nil, "source 1 (<nil>) says trip: it panicked: runtime error: invalid memory address"},
		{(*dial)(nil), "dial says trip: it panicked: runtime error: invalid memory address"},
		{bomb{}, "source 1 (guardrails_test.bomb) says trip: it panicked: read"},
		{guardrails.File(""), "file says trip: the file has no path"},
		{guardrails.Signals(), "signal says trip: no signal is named"},
	} {
		synctest.Test(t, func(t *testing.T) {
			k := &guardrails.KillSwitch{Sources: []guardrails.SwitchSource{tc.source}}
			b := check(t, k, guardrails.Deploy)
			require.Equal(t, guardrails.Hold, b.Consequence)
			require.Contains(t, b.Reason, "nobody knows whether "+tc.why)
			time.Sleep(time.Minute)
			require.Equal(t, guardrails.Halt, check(t, k, guardrails.Deploy).Consequence)
			require.ErrorIs(t, k.Reset("carol", "fixed"), guardrails.ErrStillTripped)
		})
	}
}

// bomb panics whatever it is asked.
type bomb struct{}

func (bomb) Name() string                               { panic("name") }
func (bomb) Read(context.Context) (bool, string, error) { panic("read") }
func (bomb) Watch(ctx context.Context, changed func())  { panic("watch") }

// A source that hangs for good and heeds no ctx delays one check, gets no
// second read, and trips the switch.
func TestKillSwitchHungSource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		hung, other := &dial{deaf: release}, &dial{}
		k := &guardrails.KillSwitch{Sources: []guardrails.SwitchSource{hung, other}, Every: 500 * time.Millisecond, Grace: 5 * time.Second}
		begin := time.Now()
		b := check(t, k, guardrails.Deploy)
		require.Equal(t, guardrails.MaxSwitchEvery, time.Since(begin), "the first check waits no longer than a first read may take")
		require.Equal(t, "nobody knows whether dial says trip: no answer in time", b.Reason)
		for time.Since(begin) < 5*time.Second {
			before := time.Now()
			require.Equal(t, guardrails.Hold, check(t, k, guardrails.Deploy).Consequence)
			require.Zero(t, time.Since(before), "the next ones do not wait")
			time.Sleep(500 * time.Millisecond)
		}
		require.Contains(t, check(t, k, guardrails.Deploy).Reason, "it can't be read, for 5s now: no answer in time")
		require.Equal(t, 1, hung.count(), "reads of a source that hangs do not pile up")
		require.Greater(t, other.count(), 5, "the other source is read all the while")

		before := time.Now()
		require.ErrorContains(t, k.Reset("carol", "fixed"), "dial can't be read: no answer in time")
		require.Zero(t, time.Since(before))

		hung.set(func(d *dial) { d.deaf, d.reason = nil, "said late" })
		close(release)
		synctest.Wait()
		require.ErrorContains(t, k.Reset("carol", "fixed"), `dial says "said late"`)
		hung.clear()
		require.NoError(t, k.Reset("carol", "fixed"))
		require.Nil(t, check(t, k, guardrails.Deploy))
	})
}

func TestKillSwitchCheckHeedsItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &dial{slow: true}
		k := &guardrails.KillSwitch{Sources: []guardrails.SwitchSource{d}}
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		begin := time.Now()
		err := k.Check(ctx, guardrails.Action{})
		require.Equal(t, 100*time.Millisecond, time.Since(begin))
		require.ErrorContains(t, err, "nobody knows whether dial says trip: it has not been read yet")

		// The read goes on for whoever asks next.
		d.set(func(d *dial) { d.slow = false })
		require.ErrorContains(t, k.Check(t.Context(), guardrails.Action{}), "no answer in time")
		require.Equal(t, 1, d.count())
		require.Equal(t, time.Second, time.Since(begin))
	})
}

// Many checks at once share one read.
func TestKillSwitchChecksShareReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &dial{deaf: make(chan struct{})}
		k := &guardrails.KillSwitch{Sources: []guardrails.SwitchSource{d}}
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() { _ = k.Check(t.Context(), guardrails.Action{}) })
		}
		synctest.Wait()
		require.Equal(t, 1, d.count())
		close(d.deaf)
		all.Wait()
		require.Nil(t, check(t, k, guardrails.Deploy))
		require.Equal(t, 1, d.count())
	})
}
