package guardrails_test

import (
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/guardrails"
)

func TestTrippedAllocatesNothing(t *testing.T) {
	k := &guardrails.KillSwitch{Sources: []guardrails.SwitchSource{guardrails.File(filepath.Join(t.TempDir(), "stop"))}}
	var tripped bool
	require.Zero(t, testing.AllocsPerRun(1000, func() { tripped = k.Tripped() }))
	require.False(t, tripped)
	require.NoError(t, k.Trip("alice", "stop"))
	require.Zero(t, testing.AllocsPerRun(1000, func() { tripped = k.Tripped() }))
	require.True(t, tripped)
}

func BenchmarkTripped(b *testing.B) {
	var k guardrails.KillSwitch
	b.ReportAllocs()
	for b.Loop() {
		if k.Tripped() {
			b.Fatal()
		}
	}
}

// What Tripped should cost.
func BenchmarkAtomicLoad(b *testing.B) {
	var bare atomic.Bool
	b.ReportAllocs()
	for b.Loop() {
		if bare.Load() {
			b.Fatal()
		}
	}
}

// One read a second of the file, and the rest from memory.
func BenchmarkKillSwitchCheck(b *testing.B) {
	for name, k := range map[string]*guardrails.KillSwitch{
		"process": {},
		"file":    {Sources: []guardrails.SwitchSource{guardrails.File(filepath.Join(b.TempDir(), "stop"))}},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := k.Check(b.Context(), guardrails.Action{Verb: guardrails.Deploy}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
