//go:build unix

package main

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// Metrics are the gate: while they are good it goes on, and when they turn bad all is
// taken back.
func TestEachGate(t *testing.T) {
	t.Parallel()
	for name, flags := range map[string]func(m *metrics) []string{
		"pages": func(m *metrics) []string {
			return []string{"--scrape", m.URL + "/{target}/metrics", "--max", `errors=requests{code=~"5.."}/requests<1%`}
		},
		"prometheus": func(m *metrics) []string {
			return []string{"--prometheus", m.URL, "--max", `errors=sum(errors{version="{{.Version}}"}) < 5`}
		},
	} {
		for _, good := range []bool{true, false} {
			t.Run(name+map[bool]string{true: " good", false: " bad"}[good], func(t *testing.T) {
				t.Parallel()
				m := startMetrics(t)
				p := newProgram(t)
				p.targets(6)
				p.write("script", "#!/bin/sh\necho $1 $2 >>log\n")
				args := []string{"each", "--targets", "targets", "--version", "v2", "--from", "v1", "--waves", "1,50%,100%", "--interval", "50ms", "--bake", "500ms"}
				r := p.start(append(append(args, flags(m)...), "--", "./script", "{target}", "{version}")...)
				if good {
					r.exits(exitDone)
					require.Contains(t, r.said(), "gate 1: pass: ")
					require.Contains(t, r.said(), "gate 3: pass: ")
					require.Len(t, p.lines("log"), 6)
					return
				}
				until(t, "the first has it", func() bool { return slices.Contains(p.lines("log"), "t-0 v2") })
				m.failing.Store(true)
				m.value.Store(7)
				r.exits(exitRolledBack)
				require.Contains(t, r.said(), ": fail: ")
				require.Contains(t, r.said(), "rolled back: ")
				require.Contains(t, p.lines("log"), "t-0 v1")
			})
		}
	}
}
