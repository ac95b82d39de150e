//go:build unix

package main

import (
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

const upDown = `#!/bin/sh
echo $1 >>log
[ $1 != up ] || exec sleep 60
`

// A metric that leaves its limits while the program runs stops it, and takes it back.
func TestExecMetric(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		flags     []string
		good, bad int64
		code      int
		says      string
		log       []string
	}{
		"max":    {[]string{"--max", "errors=sum(errors) < 5"}, 5, 7, exitRolledBack, "errors: 7 is above 5", []string{"up", "down"}},
		"min":    {[]string{"--min", "free=sum(free{disk!=\"<5>\"}) > 5"}, 5, 4, exitRolledBack, "free: 4 is below 5", []string{"up", "down"}},
		"unseen": {[]string{"--max", "errors=sum(errors) < 5"}, 5, -1, exitHalted, "metrics: errors: ", []string{"up"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := startMetrics(t)
			m.value.Store(tc.good)
			p := newProgram(t)
			p.write("script", upDown)
			args := append([]string{"exec", "--interval", "50ms", "--undo", "./script down", "--prometheus", m.URL}, tc.flags...)
			r := p.start(append(args, "--", "./script", "up")...)
			until(t, "it runs, and is looked at", func() bool { return len(p.lines("log")) == 1 && m.asked.Load() > 3 })
			m.value.Store(tc.bad)
			r.exits(tc.code)
			require.Contains(t, r.said(), tc.says)
			require.Equal(t, tc.log, p.lines("log"))
		})
	}
}

// Counters on a page are counted from the beginning of the program on, and looked at
// once more when it has ended.
func TestExecCounters(t *testing.T) {
	t.Parallel()
	m := startMetrics(t)
	m.errors.Store(10_000_000) // of the past
	p := newProgram(t)
	p.write("script", "#!/bin/sh\necho $1 >>log\nwhile [ $1 = up ] && [ ! -e open ]; do sleep 0.01; done\n")
	args := []string{"exec", "--interval", "1h", "--undo", "./script down", "--scrape", m.URL + "/metrics", "--max", `errors=requests{code=~"5.."}/requests<1%`, "--", "./script", "up"}
	p.write("open", "")
	p.start(args...).exits(exitDone)
	require.Equal(t, []string{"up"}, p.lines("log"))

	q := newProgram(t)
	q.write("script", "#!/bin/sh\necho $1 >>log\nwhile [ $1 = up ] && [ ! -e open ]; do sleep 0.01; done\n")
	r := q.start(args...)
	until(t, "it runs", func() bool { return len(q.lines("log")) == 1 })
	m.errors.Add(500)
	q.write("open", "")
	r.exits(exitRolledBack)
	require.Contains(t, r.said(), "is above 1%")
	require.Equal(t, []string{"up", "down"}, q.lines("log"))
}

// A metric that is bad already lets nothing begin.
func TestExecBurning(t *testing.T) {
	t.Parallel()
	m := startMetrics(t)
	m.value.Store(7)
	p := newProgram(t)
	p.write("script", upDown)
	r := p.start("exec", "--prometheus", m.URL, "--max", "errors=sum(errors) < 5", "--", "./script", "up")
	r.exits(exitRefused)
	require.Contains(t, r.said(), "7 is above 5")
	require.Empty(t, p.lines("log"))
}

// Ctrl-C stops the program and all that it has started, and undoes nothing: the next
// time, a human has to have looked.
func TestExecInterrupted(t *testing.T) {
	t.Parallel()
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			p := newProgram(t)
			p.write("script", "#!/bin/sh\ntrap '' TERM\necho $$ >>pids\nsleep 60 &\necho $! >>pids\nwait\nsleep 60\n")
			r := p.start("exec", "--grace", "200ms", "--undo", "./script", "--", "./script")
			until(t, "it runs", func() bool { return len(p.lines("pids")) == 2 })
			r.signal(signal)
			r.exits(exitHalted)
			require.Zero(t, p.alive("pids"))
			require.Contains(t, r.said(), "interrupted: ./script")
			require.Contains(t, r.said(), "tidegate unwind "+p.path("state/undo/script-"))
		})
	}
}

// Killed by KILL, tidegate leaves the undo on disk, for tidegate unwind.
func TestExecSurvivesKill(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	p.write("script", "#!/bin/sh\necho $1 >>log\n[ $1 != up ] || { echo $$ >>pids; exec sleep 60; }\n")
	args := []string{"exec", "--undo", "./script down", "--", "./script", "up"}
	r := p.start(args...)
	defer p.killed("pids")
	until(t, "it runs", func() bool { return len(p.lines("pids")) == 1 })
	r.signal(syscall.SIGKILL)
	<-r.over

	r = p.start(args...)
	r.exits(exitRefused)
	_, path, _ := strings.Cut(r.said(), "tidegate unwind ")
	r = p.start("unwind", strings.TrimSpace(path))
	r.exits(exitDone)
	require.Equal(t, []string{"up", "down"}, p.lines("log"))
}
