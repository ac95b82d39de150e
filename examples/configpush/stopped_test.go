//go:build unix

package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/guardrails"
	"github.com/tidegate-go/tidegate/rollout"
)

func TestWithoutFlagsItShowsBothReleases(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	p := start(t, "-delay", "1ms", "-bake", "5ms")
	p.exits(0)
	require.Contains(t, p.log.text(), "completed: wave 5 of 5, 16 of 16 targets updated")
	require.Contains(t, p.log.text(), "rolled-back: wave 2 of 5, 0 of 16 targets updated, at most 3 exposed")
	require.Contains(t, p.log.text(), "240 features, and room for 200")
	made, err := filepath.Glob(filepath.Join(os.Getenv("TMPDIR"), "configpush-*"))
	require.NoError(t, err)
	require.Len(t, made, 1)
	requireAll(t, made[0], "v2")
}

func TestQuietSaysNothingWhenAllIsWell(t *testing.T) {
	p := start(t, good.args(t.TempDir(), "-quiet")...)
	p.exits(0)
	require.Empty(t, p.log.text())
}

func TestSIGTERMStopsInGoodOrderAndTheNextRunGoesOn(t *testing.T) {
	dir := t.TempDir()
	p := start(t, good.args(dir, "-delay", "50ms")...)
	p.until("gate pass")
	require.NoError(t, p.cmd.Process.Signal(syscall.SIGTERM))
	p.exits(7)
	require.Contains(t, p.log.text(), "interrupted, resumable")
	require.Contains(t, p.log.text(), "run it again with the same journal to go on where it stopped")
	events, state := good.history(t, dir)
	require.Equal(t, rollout.Interrupted, events[len(events)-1].Kind)
	require.Zero(t, state.InFlight(), "what was in flight came to its end")
	requireTruth(t, good, dir, events, &state)

	p = start(t, good.args(dir)...)
	p.exits(0)
	require.Contains(t, p.log.text(), "rollout resumed")
	requireEnd(t, good, dir)
}

func TestSIGTERMDoesNotStopARollback(t *testing.T) {
	dir := t.TempDir()
	p := start(t, bad.args(dir, "-delay", "200ms")...)
	p.until("gate fail")
	require.NoError(t, p.cmd.Process.Signal(syscall.SIGTERM))
	p.exits(4)
	requireEnd(t, bad, dir)
}

func TestASecondRunnerIsToldWhoHasIt(t *testing.T) {
	dir := t.TempDir()
	first := start(t, good.args(dir, "-delay", "1h")...)
	first.until("rollout started")
	holder := fmt.Sprintf("process %d on ", first.cmd.Process.Pid)

	second := start(t, good.args(dir)...)
	second.exits(3)
	require.Contains(t, second.log.text(), "rollout app-conf-v2 is held by "+holder)

	other := start(t, bad.args(dir)...)
	other.exits(3)
	require.Contains(t, other.log.text(), "lock app-conf, wanted by rollout app-conf-v3, is held by rollout app-conf-v2 ("+holder)

	require.NoError(t, first.cmd.Process.Kill())
	first.exits(-1)
	events, state := good.history(t, dir)
	requireTruth(t, good, dir, events, &state)
	require.Equal(t, 1, state.InFlight(), "the others did nothing, and the first wave is one host")

	other = start(t, bad.args(dir)...)
	other.exits(3) // a rollout that is half done keeps its service, dead or alive
	require.Contains(t, other.log.text(), "it has not ended: run it again, or abort it")

	start(t, good.args(dir)...).exits(0)
	requireEnd(t, good, dir)
	start(t, bad.args(dir)...).exits(4)
	requireEnd(t, bad, dir)
}

func TestTheStopFileFreezesEverythingUntilReset(t *testing.T) {
	dir := t.TempDir()
	stop := filepath.Join(dir, "stop")
	p := start(t, good.args(dir, "-delay", "200ms")...)
	p.until("gate pass")
	require.NoError(t, os.WriteFile(stop, []byte("something smells, bob"), 0o600))
	p.exits(5)
	require.Contains(t, p.log.text(), "something smells, bob")
	frozen := files(t, dir)
	events, state := good.history(t, dir)
	requireTruth(t, good, dir, events, &state)
	require.Equal(t, rollout.Halted, state.Phase())
	require.Less(t, state.Tally("", "").Exposed, hostCount, "it was stopped on the way")
	halted := false
	for _, ev := range events {
		halted = halted || ev.Kind == rollout.Breached
		begins := ev.Kind == rollout.Doing || ev.Kind == rollout.Undoing
		require.False(t, halted && begins, "%v %s was begun after the stop", ev.Kind, ev.Step)
	}
	require.True(t, halted)

	start(t, good.args(dir)...).exits(5)
	require.Equal(t, frozen, files(t, dir), "running it again touches nothing")
	require.NoError(t, os.Remove(stop))
	start(t, good.args(dir)...).exits(5)
	require.Equal(t, frozen, files(t, dir), "nor does it when the file is gone: the halt is on record")

	start(t, good.args(dir, "-reset", "it was the fish")...).exits(0)
	requireEnd(t, good, dir)
}

func TestAStopFileFromBeforeRefusesToBegin(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "stop"), nil, 0o600))
	p := start(t, good.args(dir)...)
	p.exits(3)
	require.Contains(t, p.log.text(), "nothing was touched")
	requireAll(t, dir, "v1")
}

func TestAFleetOnAnotherVersionIsRefused(t *testing.T) {
	dir := t.TempDir()
	start(t, bad.args(dir)...).exits(4) // it made a fleet of v2
	p := start(t, good.args(dir)...)
	p.exits(3)
	require.Contains(t, p.log.text(), `known-version: host/01 runs "v2", not v1`)
	requireAll(t, dir, "v2")
}

func TestAHostThatBreaksOnTheWayTakesAllBack(t *testing.T) {
	dir := t.TempDir()
	p := start(t, good.args(dir, "-delay", "200ms")...)
	p.until("wave=2") // the gate of the second wave has passed
	require.NoError(t, os.WriteFile(filepath.Join(dir, "host", "02", "app.conf"), []byte("nonsense\n"), 0o600))
	p.exits(4)
	requireAll(t, dir, "v1")
}

func TestAFleetOfOneIsRefused(t *testing.T) {
	p := start(t, good.args(t.TempDir(), "-hosts", "1")...)
	p.exits(3)
	require.Contains(t, p.log.text(), "the first wave is the whole fleet")
}

func TestExitCodes(t *testing.T) {
	for err, code := range map[error]int{
		rollout.ErrInvalidPlan: 3, rollout.ErrHeld: 3, rollout.ErrPlanChanged: 3, guardrails.ErrBreach: 3,
		rollout.ErrRolledBack: 4, rollout.ErrHalted: 5, rollout.ErrRollbackIncomplete: 6,
		rollout.ErrPartial: 7, rollout.ErrAborted: 7, rollout.ErrInterrupted: 7,
		rollout.ErrFenced: 1, rollout.ErrCorrupt: 1, errors.New("the disk is full"): 1,
	} {
		require.Equal(t, code, exitCode(fmt.Errorf("wrapped: %w", err)), "%v", err)
	}
}
