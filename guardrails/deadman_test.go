package guardrails_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/guardrails"
)

var (
	_ guardrails.SelfTester = (*guardrails.DeadMan)(nil)
	_ guardrails.Watcher    = (*guardrails.DeadMan)(nil)
	_ analysis.Problemer    = (*guardrails.DeadMan)(nil)
)

// CrowdStrike, 19 July 2024: hosts that got the content crashed, and said nothing
// more. They report no errors, so the rate of errors is fine throughout.
func TestDeadManIncident(t *testing.T) {
	crashed := func(t *testing.T, guarded bool) (n int) {
		synctest.Test(t, func(t *testing.T) {
			guard := &guardrails.DeadMan{Within: 30 * time.Second, Then: guardrails.Rollback}
			for range 78 { // minutes, with a host in each
				if n == 0 {
					guard.Beat() // of the first host, while it lives
				}
				errorRate := 0.0
				if errorRate < 0.01 && (!guarded || guard.Check(t.Context(), guardrails.Action{Verb: guardrails.Deploy}) == nil) {
					n++
				}
				time.Sleep(time.Minute)
			}
		})
		return n
	}
	require.Equal(t, 78, crashed(t, false))
	require.Equal(t, 1, crashed(t, true))
}

func TestDeadMan(t *testing.T) {
	for _, then := range []guardrails.Consequence{guardrails.Hold, guardrails.Rollback, guardrails.Halt} {
		synctest.Test(t, func(t *testing.T) {
			guard := &guardrails.DeadMan{Within: time.Minute, Then: then}
			start, bake := guardrails.Action{Verb: guardrails.Start}, guardrails.Action{Verb: guardrails.Bake}
			b := no(t, guard, start)
			require.Equal(t, "no heartbeat was heard yet", b.Reason)
			require.Equal(t, guardrails.Hold, b.Consequence, "nothing was touched yet")
			require.Equal(t, guardrails.Hold, no(t, guard, bake).Consequence, "it may be a runner that has just taken over")
			guard.Beat()
			for _, verb := range []guardrails.Verb{guardrails.Unknown, guardrails.Start, guardrails.Deploy, guardrails.Bake, 99} {
				require.Nil(t, no(t, guard, guardrails.Action{Verb: verb}))
			}
			time.Sleep(time.Minute)
			require.Nil(t, no(t, guard, bake), "as long as it may stay away")
			time.Sleep(time.Second)
			for _, verb := range []guardrails.Verb{guardrails.Unknown, guardrails.Deploy, guardrails.Bake, 99} {
				b = no(t, guard, guardrails.Action{Verb: verb})
				require.Equal(t, "the heartbeat has stopped", b.Reason)
				require.Equal(t, "last heard 1m1s ago; it may stay away for 1m", b.Evidence)
				require.Equal(t, then, b.Consequence)
				require.False(t, b.Cap)
			}
			require.Equal(t, guardrails.Hold, no(t, guard, start).Consequence)
			for _, verb := range alwaysPass {
				require.Nil(t, no(t, guard, guardrails.Action{Verb: verb}))
			}
			guard.Beat()
			require.Nil(t, no(t, guard, bake), "it is not latched; the rollout is")
		})
	}
}

// A runner that has taken over waits for a beat as long as may be, and then takes
// silence for what it is.
func TestDeadManAfterACrash(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		guard := &guardrails.DeadMan{Then: guardrails.Halt}
		bake := guardrails.Action{Verb: guardrails.Bake}
		require.Equal(t, guardrails.Hold, no(t, guard, bake).Consequence)
		time.Sleep(guardrails.DefaultDeadManWithin)
		require.Equal(t, guardrails.Hold, no(t, guard, bake).Consequence)
		time.Sleep(time.Nanosecond)
		require.Equal(t, guardrails.Halt, no(t, guard, bake).Consequence)
		require.Equal(t, guardrails.Hold, no(t, guard, guardrails.Action{Verb: guardrails.Start}).Consequence)
	})
}

// heart is a source.
type heart struct {
	mu   sync.Mutex
	beat time.Time
	err  error
	hang bool
}

func (h *heart) source(ctx context.Context) (time.Time, error) {
	h.mu.Lock()
	beat, err, hang := h.beat, h.err, h.hang
	h.mu.Unlock()
	if hang {
		<-ctx.Done()
	}
	return beat, err
}

func (h *heart) set(change func(*heart)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	change(h)
}

func TestDeadManSource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &heart{}
		guard := &guardrails.DeadMan{Within: time.Minute, Then: guardrails.Rollback, Source: h.source}
		deploy := guardrails.Action{Verb: guardrails.Deploy}
		require.Equal(t, "no heartbeat was heard yet", no(t, guard, deploy).Reason)
		beat := func() {
			h.set(func(h *heart) { h.beat = time.Now() })
			time.Sleep(15 * time.Second) // a quarter of Within, so that it is asked again
		}
		beat()
		require.Nil(t, no(t, guard, deploy))

		h.set(func(h *heart) { h.err = errors.New("no route") })
		time.Sleep(45 * time.Second)
		require.Nil(t, no(t, guard, deploy), "the last beat stands")
		time.Sleep(time.Second)
		b := no(t, guard, deploy)
		require.Equal(t, guardrails.Rollback, b.Consequence)
		require.Equal(t, "last heard 1m1s ago; it may stay away for 1m; asked for it: no route", b.Evidence)
		require.ErrorIs(t, b, h.err)
		guard.Beat()
		require.Nil(t, no(t, guard, deploy), "a beat is a beat")

		h.set(func(h *heart) { h.err, h.beat = nil, time.Now().Add(time.Hour) })
		time.Sleep(61 * time.Second)
		require.Contains(t, no(t, guard, deploy).Evidence, "it beats in the future")

		beat()
		require.Nil(t, no(t, guard, deploy))
		h.set(func(h *heart) { h.hang = true })
		time.Sleep(30 * time.Second)
		begin := time.Now()
		require.Nil(t, no(t, guard, deploy), "the last beat stands")
		require.Less(t, time.Since(begin), 5*time.Second, "a rollout waits no longer")
		time.Sleep(30 * time.Second)
		require.Contains(t, no(t, guard, deploy).Evidence, "deadline exceeded")
	})
}

// Watched, silence is told when it has become too long, and the next beat too.
func TestDeadManWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		guard := &guardrails.DeadMan{Within: time.Minute}
		guard.Beat()
		ctx, cancel := context.WithCancel(t.Context())
		var changes atomic.Int32
		var told atomic.Int64
		begin := time.Now()
		go guard.Watch(ctx, func() { changes.Add(1); told.Store(int64(time.Since(begin))) })
		time.Sleep(time.Minute)
		synctest.Wait()
		require.Zero(t, changes.Load())
		time.Sleep(time.Second)
		require.EqualValues(t, 1, changes.Load())
		require.InDelta(t, time.Minute, time.Duration(told.Load()), float64(10*time.Millisecond), "to the moment")
		guard.Beat()
		time.Sleep(30 * time.Second)
		require.EqualValues(t, 2, changes.Load())
		for range 10 {
			guard.Beat()
			time.Sleep(50 * time.Second)
		}
		require.EqualValues(t, 2, changes.Load())
		cancel()
		synctest.Wait()
	})
}

func TestBeatSources(t *testing.T) {
	path := filepath.Join(t.TempDir(), "alive")
	guard := &guardrails.DeadMan{Within: time.Minute, Source: guardrails.BeatFile(path)}
	deploy := guardrails.Action{Verb: guardrails.Deploy}
	require.Contains(t, no(t, guard, deploy).Evidence, "no such file")
	require.NoError(t, os.WriteFile(path, nil, 0o600))
	guard = &guardrails.DeadMan{Within: time.Minute, Source: guardrails.BeatFile(path)}
	require.Nil(t, no(t, guard, deploy))
	require.NoError(t, os.Chtimes(path, time.Time{}, time.Now().Add(-2*time.Minute)))
	guard = &guardrails.DeadMan{Within: time.Minute, Source: guardrails.BeatFile(path)}
	require.Equal(t, "the heartbeat has stopped", no(t, guard, deploy).Reason)

	var status atomic.Int32
	status.Store(200)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(int(status.Load())) }))
	defer server.Close()
	source := guardrails.BeatURL(server.URL + "/?token=sesame")
	beat, err := source(t.Context())
	require.NoError(t, err)
	require.WithinDuration(t, time.Now(), beat, 5*time.Second)
	status.Store(503)
	_, err = source(t.Context())
	require.ErrorContains(t, err, "503")
	require.NotContains(t, err.Error(), "sesame")
}

func TestDeadManSelfTest(t *testing.T) {
	for _, then := range []guardrails.Consequence{guardrails.Hold, guardrails.Rollback, guardrails.Halt} {
		guard := &guardrails.DeadMan{Within: time.Second, Then: then}
		require.NoError(t, guard.SelfTest(t.Context()))
		require.Equal(t, "no heartbeat was heard yet", no(t, guard, guardrails.Action{}).Reason, "its own heart has not beaten")
	}
	require.NoError(t, (&guardrails.DeadMan{}).SelfTest(t.Context()))
	require.Equal(t, []string{"Within is -1ns: want 100ms or more", "Then is consequence(9), which does not exist"}, problems(&guardrails.DeadMan{Within: -1, Then: 9}))
	require.Error(t, (&guardrails.DeadMan{Within: -1}).SelfTest(t.Context()))
	require.Error(t, (&guardrails.DeadMan{Then: 9}).SelfTest(t.Context()))
}
