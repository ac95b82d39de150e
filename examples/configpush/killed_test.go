//go:build unix

package main

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/rollout"
	"github.com/tidegate-go/tidegate/rollout/filejournal"
)

const (
	// killRounds is how many rollouts are killed, and killedAtLeast how many of
	// them have to be hit by the first kill while they run.
	killRounds    = 50
	killedAtLeast = 30
	// mostKills is how often one rollout is killed at the most.
	mostKills = 3
)

var (
	killSeed  = flag.Uint64("kill-seed", 0, "seed of the moments at which TestKilledAtAnyMoment kills; 0 for a new one")
	killTimes = flag.Int("kill-rounds", killRounds, "how many rollouts TestKilledAtAnyMoment kills")
	killsWant = flag.Int("kills", 0, "how many kills TestKilledAtAnyMoment makes at least, in as many rollouts as that takes, instead of -kill-rounds")
)

// TestKilledAtAnyMoment kills the real program with SIGKILL at a random moment,
// again and again, and runs it again until it comes to its end. Whatever the
// moment, what is on the hosts and what is in the journal fit together, right
// after the kill and at the end.
func TestKilledAtAnyMoment(t *testing.T) {
	rounds := *killTimes
	if testing.Short() {
		rounds = min(rounds, 10)
	}
	if *killsWant > 0 {
		rounds = *killsWant * killRounds / killedAtLeast // kills that hit nothing have to come to an end, too
	}
	seed := *killSeed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("to repeat this: go test ./examples/configpush -run TestKilledAtAnyMoment -kill-seed=%d", seed)
	takes := map[release]time.Duration{good: undisturbed(t, good), bad: undisturbed(t, bad)}
	t.Logf("left alone, the good release takes %v and the bad one %v", takes[good], takes[bad])

	seen, began, done := tally{where: make(map[string]int)}, time.Now(), 0
	for round := range rounds {
		if *killsWant > 0 && seen.kills >= *killsWant {
			break
		}
		done++
		r := good
		if round%2 == 1 {
			r = bad
		}
		t.Run(fmt.Sprintf("round %d, %s", round, r.name), func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, uint64(round)))
			takes[r] = min(takes[r], killAndResume(t, r, random, takes[r], &seen))
		})
	}
	t.Logf("%d kills in %v, by where they hit: %v; %d left half a file; %d of %d rollouts were killed by the first kill, before their end",
		seen.kills, time.Since(began).Round(time.Second), seen.where, seen.halves, seen.first, done)
	require.GreaterOrEqual(t, seen.kills, *killsWant)
	require.GreaterOrEqual(t, seen.first, done*killedAtLeast/killRounds, "the kills have to hit while it runs, or nothing is shown")
}

// tally counts what the kills hit.
type tally struct {
	first  int            // rollouts that the first kill hit
	kills  int            // that hit
	where  map[string]int // by the phase of the rollout
	halves int            // that left a half written file on a host
}

// killAndResume kills one rollout, once or a few times, each time within what it
// takes when left alone, and then lets it come to its end. It returns how long
// it took if it was faster than the first kill, and else takes.
func killAndResume(t *testing.T, r release, random *rand.Rand, takes time.Duration, seen *tally) time.Duration {
	dir, most := t.TempDir(), takes
	for k := range 1 + random.IntN(mostKills) {
		after := time.Duration(random.Int64N(int64(takes)))
		t.Logf("kill %d after %v", k+1, after)
		began := time.Now()
		p := start(t, r.args(dir)...)
		fault := time.AfterFunc(after, func() { _ = p.cmd.Process.Kill() })
		code := p.wait()
		fault.Stop()
		if !p.killed() {
			require.Equal(t, r.exit, code, "it came to its end before the kill:\n%s", p.log.text())
			if k == 0 {
				most = time.Since(began)
			}
			continue
		}
		events, state := r.history(t, dir)
		phase := "before its first event"
		if len(events) > 0 {
			phase = state.Phase().String()
		}
		t.Logf("hit %s, after %d events", phase, len(events))
		halves := requireTruth(t, r, dir, events, &state)
		seen.kills++
		seen.where[phase]++
		seen.halves += min(1, halves)
		if k == 0 {
			seen.first++
		}
	}
	start(t, r.args(dir)...).exits(r.exit)
	requireEnd(t, r, dir)
	return most
}

// undisturbed measures how long the release takes: the shortest of three runs.
func undisturbed(t *testing.T, r release) time.Duration {
	t.Helper()
	shortest := hung
	for range 3 {
		dir, began := t.TempDir(), time.Now()
		start(t, r.args(dir)...).exits(r.exit)
		shortest = min(shortest, time.Since(began))
		requireEnd(t, r, dir)
	}
	return shortest
}

func (p *process) killed() bool {
	status, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == syscall.SIGKILL
}

// requireTruth makes sure, right after a kill, that what the journal says of a
// host is so, and that no host was touched before that was on record. It returns
// how many hosts have a half written file.
func requireTruth(t *testing.T, r release, dir string, events []rollout.Event, state *rollout.State) (halves int) {
	t.Helper()
	begun := make(map[string]bool)
	for _, ev := range events {
		begun[ev.Step] = begun[ev.Step] || ev.Kind == rollout.Doing
	}
	hosts, err := os.ReadDir(filepath.Join(dir, "host"))
	if len(events) == 0 && os.IsNotExist(err) {
		return 0 // there was no fleet yet
	}
	require.NoError(t, err)
	require.Len(t, hosts, hostCount, "half a fleet is never seen")
	for _, h := range hosts {
		name := "host/" + h.Name()
		content, err := os.ReadFile(filepath.Join(dir, name, "app.conf"))
		require.NoError(t, err)
		_, err = os.Stat(filepath.Join(dir, name, "app.conf.new"))
		half := err == nil
		isNew := string(content) == config(r.to)
		if !isNew {
			require.Equal(t, config(r.from), string(content), "%s has one version or the other, whole", name)
		}
		if half {
			halves++
		}
		require.True(t, begun[name] || !(isNew || half), "%s was touched, and nothing of that is on record", name)
		status, _ := state.Status(name)
		switch status {
		case rollout.StepDone:
			require.True(t, isNew, "%s is on record as done", name)
		case rollout.StepPending, rollout.StepUndone:
			require.False(t, isNew || half, "%s is on record as %v", name, status)
		default: // in between, it may be either
		}
	}
	return halves
}

// requireEnd makes sure that a rollout has come to its end, whatever it went
// through.
func requireEnd(t *testing.T, r release, dir string) {
	t.Helper()
	requireAll(t, dir, r.ends)
	journal := filejournal.Dir(filepath.Join(dir, "journal"))
	session, err := journal.Open(context.Background(), "app-conf-"+r.to, "app-conf")
	require.NoError(t, err, "the dead have left nothing locked")
	var state rollout.State
	var last rollout.Event
	for ev, err := range session.Events() {
		require.NoError(t, err)
		require.NoError(t, state.Step(ev), "%v %s", ev.Kind, ev.Step)
		last = ev
	}
	require.NoError(t, session.Close())
	require.Equal(t, r.phase, state.Phase())
	require.Equal(t, rollout.Ended, last.Kind)
	require.Equal(t, r.phase, last.Outcome)
	require.LessOrEqual(t, state.Peak().Exposed, r.exposes, "hosts that got it at the most")
	next, err := journal.Open(context.Background(), "the-next-release", "app-conf")
	require.NoError(t, err, "the service is free for its next release")
	require.NoError(t, next.Close())
}
