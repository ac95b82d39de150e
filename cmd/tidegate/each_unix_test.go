//go:build unix

package main

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/rollout"
	"github.com/tidegate-go/tidegate/rollout/filejournal"
)

// Killed by KILL in the middle, the same command line does the rest, and nothing
// twice.
func TestEachSurvivesKill(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	p.targets(30)
	p.write("script", `#!/bin/sh
echo $1 >>begun
if [ $1 = t-12 ] && [ ! -e open ]; then echo $$ >>pids; exec sleep 60; fi
echo $1 >>done
`)
	args := []string{"each", "--targets", "targets", "--parallel", "3", "--", "./script", "{target}"}
	r := p.start(args...)
	defer p.killed("pids")
	// Wave 3 has 12 targets, of which t-12 waits.
	until(t, "all of wave 3 but one is on record as done", func() bool { return len(done(t, p)) == 14 })
	r.signal(syscall.SIGKILL)
	<-r.over

	p.write("open", "")
	r = p.start(args...)
	r.exits(exitDone)
	if runtime.GOOS == "linux" {
		require.Zero(t, p.alive("pids"), "what was running is stopped before it is run again")
	}
	require.Contains(t, r.said(), "resumed in wave 3 of 4: 14 of 30 targets done; 1 script cut short, and run again")
	require.Contains(t, r.said(), "done: all 30 targets")
	p.once("done", 30)
	require.Len(t, p.lines("begun"), 31)
}

// Killed by KILL while it takes a change back, the same command line comes to the end
// of that.
func TestEachSurvivesKillInRollback(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	p.targets(6)
	p.write("script", `#!/bin/sh
echo $1 $2 >>log
if [ $2 = v2 ]; then [ $1 != t-5 ]; exit; fi
if [ $1 = t-1 ] && [ ! -e open ]; then echo $$ >>pids; exec sleep 60; fi
`)
	args := []string{"each", "--targets", "targets", "--waves", "2,5,100%", "--version", "v2", "--from", "v1", "--", "./script", "{target}", "{version}"}
	r := p.start(args...)
	defer p.killed("pids")
	until(t, "an undo hangs", func() bool { return len(p.lines("pids")) == 1 })
	r.signal(syscall.SIGKILL)
	<-r.over

	p.write("open", "")
	r = p.start(args...)
	r.exits(exitRolledBack)
	require.Contains(t, r.said(), "resumed")
	require.Contains(t, r.said(), "rolled back: 6 targets taken back, 0 never touched")
	for i := range 6 {
		require.Contains(t, p.lines("log"), fmt.Sprintf("t-%d v1", i))
	}
	p.start(args...).exits(exitRolledBack) // it is over, and begins anew
}

// While one process carries a rollout out, another is refused.
func TestEachIsHeld(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	p.targets(2)
	p.write("script", "#!/bin/sh\necho $1 >>begun\nuntil [ -e open ]; do sleep 0.01; done\n")
	args := []string{"each", "--targets", "targets", "--", "./script", "{target}"}
	first := p.start(args...)
	until(t, "it runs", func() bool { return len(p.lines("begun")) == 1 })
	second := p.start(args...)
	second.exits(exitRefused)
	require.Contains(t, second.said(), "is held by process "+strconv.Itoa(first.cmd.Process.Pid))
	p.write("open", "")
	first.exits(exitDone)
	p.once("begun", 2)
}

// done are the targets that are on record as done, in whatever rollout there is.
func done(t *testing.T, p program) (names []string) {
	t.Helper()
	files, _ := os.ReadDir(p.path("state"))
	for _, f := range files {
		name, ok := strings.CutSuffix(f.Name(), ".jsonl")
		if !ok {
			continue
		}
		for ev, err := range filejournal.Dir(p.path("state")).Read(name) {
			if err != nil {
				break // it is being written
			}
			if ev.Kind == rollout.Done {
				names = append(names, ev.Step)
			}
		}
	}
	return names
}

// Killed again and again, it comes to its end all the same, and what is on record as
// done when it is killed never begins again.
func TestEachSurvivesManyKills(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	const fleet = 120
	p.targets(fleet)
	p.write("script", "#!/bin/sh\necho $1 >>begun\n")
	kills := 0
	for enough := 10; ; enough += 10 {
		r := p.start("each", "--name", "often", "--targets", "targets", "--parallel", "4", "--", "./script", "{target}")
		until(t, "some more has begun", func() bool {
			select {
			case <-r.over:
				return true
			default:
				return len(p.lines("begun")) >= enough
			}
		})
		_ = r.cmd.Process.Kill()
		<-r.over
		if r.cmd.ProcessState.ExitCode() == exitDone {
			break
		}
		kills++
		before := done(t, p)
		begun := len(p.lines("begun"))
		t.Cleanup(func() {
			for _, again := range p.lines("begun")[begun:] {
				require.NotContains(t, before, again)
			}
		})
	}
	require.Greater(t, kills, 2)
	all := p.lines("begun")
	slices.Sort(all)
	require.Len(t, slices.Compact(all), fleet)
}

// The first ctrl-C lets what runs come to its end, and begins nothing more; it is
// resumable.
func TestEachStopsSoftly(t *testing.T) {
	t.Parallel()
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			p := newProgram(t)
			p.targets(20)
			p.write("script", `#!/bin/sh
echo $1 >>begun
while [ ! -e open ]; do sleep 0.01; done
echo $1 >>done
`)
			args := []string{"each", "--targets", "targets", "--waves", "5,100%", "--parallel", "3", "--", "./script", "{target}"}
			r := p.start(args...)
			until(t, "three run", func() bool { return len(p.lines("begun")) == 3 })
			r.signal(signal)
			until(t, "it was heard", func() bool { return strings.Contains(r.said(), "nothing more is begun") })
			p.write("open", "")
			r.exits(exitHalted)
			require.Contains(t, r.said(), "targets done; run the same command line again to go on")
			require.Equal(t, len(p.lines("begun")), len(p.lines("done")), "what ran came to its end")
			require.Len(t, p.lines("done"), 3, "nothing more was begun")

			r = p.start(args...)
			r.exits(exitDone)
			require.Contains(t, r.said(), "resumed in wave")
			p.once("done", 20)
			p.once("begun", 20)
		})
	}
}

// The second ctrl-C stops what runs, and that is resumable too.
func TestEachStopsHard(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	p.targets(20)
	p.write("script", `#!/bin/sh
echo $1 >>begun
echo $$ >>pids
[ -e open ] || exec sleep 60
echo $1 >>done
`)
	args := []string{"each", "--targets", "targets", "--waves", "5,100%", "--parallel", "3", "--", "./script", "{target}"}
	r := p.start(args...)
	until(t, "three run", func() bool { return len(p.lines("begun")) == 3 && len(p.lines("pids")) == 3 })
	r.signal(syscall.SIGINT)
	until(t, "it was heard", func() bool { return strings.Contains(r.said(), "nothing more is begun") })
	r.signal(syscall.SIGINT)
	r.exits(exitHalted)
	require.Contains(t, r.said(), "stopping what runs")
	require.Zero(t, p.alive("pids"))
	p.write("open", "")
	r = p.start(args...)
	r.exits(exitDone)
	require.Contains(t, r.said(), "0 of 20 targets done; 3 scripts cut short, and run again")
	p.once("done", 20)
}

// A kill file that appears while 200 scripts run stops them all within a second, and
// none begins after.
func TestEachKillSwitch(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	p.targets(300)
	p.write("script", "#!/bin/sh\necho $$ >>pids\nexec sleep 60\n")
	r := p.start("each", "--targets", "targets", "--waves", "250,100%", "--parallel", "200", "--", "./script", "{target}")
	until(t, "200 run", func() bool { return len(p.lines("pids")) == 200 && p.alive("pids") == 200 })

	pulled := time.Now()
	p.write("state/kill", "too many orders\n")
	until(t, "none runs", func() bool { return p.alive("pids") == 0 })
	took := time.Since(pulled)
	r.exits(exitHalted)
	t.Logf("200 scripts were gone %v after the kill file was there", took)
	require.Less(t, took, time.Second)
	require.Contains(t, r.said(), "the kill switch is tripped by file "+p.path("state/kill")+": too many orders")
	require.Len(t, p.lines("pids"), 200, "none began after")
}

// Scripts that do not want to end, or write without end, or leave others behind, are
// all gone in the end.
func TestEachUnrulyScripts(t *testing.T) {
	t.Parallel()
	for name, script := range map[string]string{
		"forks":                       `sleep 60 & echo $! >>pids; (sleep 60 & echo $! >>pids); echo x >>ready; wait`,
		"ignores TERM":                `trap "" TERM; echo x >>ready; while :; do sleep 0.05; done`,
		"floods":                      `echo x >>ready; exec cat /dev/zero`,
		"floods stderr":               `echo x >>ready; exec yes >&2`,
		"fills the pipe":              `echo x >>ready; head -c 1000000 /dev/zero; sleep 60`,
		"reads, and there is nothing": `cat; echo x >>ready; sleep 60`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newProgram(t)
			p.targets(3)
			p.write("script", "#!/bin/sh\necho $$ >>pids\n"+script+"\n")
			r := p.start("each", "--targets", "targets", "--waves", "2,100%", "--grace", "100ms", "--", "./script", "{target}")
			until(t, "two are ready", func() bool { return len(p.lines("ready")) == 2 })
			p.write("state/kill", "")
			r.exits(exitHalted)
			require.Zero(t, p.alive("pids"))
			require.GreaterOrEqual(t, len(p.lines("pids")), 2)
			files, _ := os.ReadDir(p.path("state/output"))
			for _, f := range files {
				logs, _ := os.ReadDir(p.path("state/output/" + f.Name()))
				for _, l := range logs {
					info, err := l.Info()
					require.NoError(t, err)
					require.Less(t, info.Size(), int64(70_000), "output is bounded")
				}
			}
		})
	}
}

// A script that leaves a child in its group has it killed when it ends by itself.
func TestEachLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	p.targets(2)
	p.write("script", "#!/bin/sh\nsleep 60 >/dev/null 2>&1 &\necho $! >>pids\n")
	p.start("each", "--targets", "targets", "--", "./script", "{target}").exits(exitDone)
	require.Len(t, p.lines("pids"), 2)
	require.Zero(t, p.alive("pids"))
}

// When nobody reads the report any more, the change goes on.
func TestEachOutlivesItsReader(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	p.targets(20)
	p.write("script", "#!/bin/sh\nuntil [ -e open ]; do sleep 0.01; done\necho $1 >>done\n")
	reader, writer, err := os.Pipe()
	require.NoError(t, err)
	r := p.prepare("each", "--targets", "targets", "--", "./script", "{target}")
	r.cmd.Stdout = writer
	r.begin()
	require.NoError(t, reader.Close())
	require.NoError(t, writer.Close())
	p.write("open", "")
	r.exits(exitDone)
	p.once("done", 20)
}
