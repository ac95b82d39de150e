//go:build unix

package guardrails_test

import (
	"context"
	"os/signal"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/guardrails"
)

// A real signal stops everything at once, and after a reset the next one does
// so again.
func TestSignalsTripASwitch(t *testing.T) {
	signal.Ignore(syscall.SIGUSR1) // until the watch catches it, and after
	defer signal.Reset(syscall.SIGUSR1)
	source := guardrails.Signals(syscall.SIGUSR1, syscall.SIGUSR2)
	k := &guardrails.KillSwitch{Sources: []guardrails.SwitchSource{source}}
	require.NoError(t, k.Check(t.Context(), guardrails.Action{}), "a check needs no watch")

	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	changed := make(chan struct{}, 10)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		k.Watch(ctx, func() { changed <- struct{}{} })
	}()
	for range 3 {
		for !k.Tripped() {
			// Sent again and again: the first may come before Watch catches it.
			require.NoError(t, syscall.Kill(syscall.Getpid(), syscall.SIGUSR1))
			select {
			case <-changed:
			case <-time.After(10 * time.Millisecond):
			case <-ctx.Done():
				t.Fatal("the signal does not trip the switch")
			}
		}
		require.Contains(t, k.Records()[0].Reason, "the process got the signal user defined signal 1")
		require.Equal(t, "signal user defined signal 1, user defined signal 2", k.Records()[0].Actor)
		reset(t, k)
	}
	cancel()
	<-ended
	_, _, _ = source.Read(t.Context()) // what was sent too often above

	require.NoError(t, syscall.Kill(syscall.Getpid(), syscall.SIGUSR1))
	tripped, _, err := source.Read(t.Context())
	require.NoError(t, err)
	require.False(t, tripped, "not caught any more")
}

// reset goes on until all signals are told that were sent.
func reset(t *testing.T, k *guardrails.KillSwitch) {
	t.Helper()
	for {
		err := k.Reset("carol", "fixed")
		if err == nil {
			return
		}
		require.ErrorIs(t, err, guardrails.ErrStillTripped)
		require.NoError(t, t.Context().Err())
	}
}
