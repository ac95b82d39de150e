package command_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/analysis/analysistest"
	"github.com/tidegate-go/tidegate/analysis/command"
)

// program starts all scripts here: it is out of order, or hangs, where the files
// for that are.
const program = `
	if [ -e "$DIR/broken" ]; then echo 'out of order' >&2; exit 3; fi
	if [ -e "$DIR/hang" ]; then echo . > "$DIR/hang"; sleep 3600; fi
`

// report adds up what was counted in the windows that end within this one: a file
// each, named by that end, with the events and total of both arms.
const report = program + `
	ce=0; ct=0; be=0; bt=0
	for f in "$DIR"/window-*; do
		[ -e "$f" ] || break
		at=${f##*window-}
		if [ "$at" -gt "${TIDEGATE_START%.*}" ] && [ "$at" -le "${TIDEGATE_END%.*}" ]; then
			read a b c d < "$f"
			ce=$((ce+a)); ct=$((ct+b)); be=$((be+c)); bt=$((bt+d))
		fi
	done
	echo "{\"canary\":{\"events\":$ce,\"total\":$ct},\"baseline\":{\"events\":$be,\"total\":$bt}}"
`

func TestReportConforms(t *testing.T) {
	t.Parallel()
	analysistest.TestSource(t, func(t testing.TB) analysistest.Rig {
		dir := t.TempDir()
		source := &command.Report{Program: script(dir, report)}
		return rig(t, dir, source, func(w analysis.Window) (canary, baseline analysis.Sample) {
			write(t, dir, fmt.Sprintf("window-%d", w.End.Unix()), "3 120 2 980\n")
			return analysis.Counts(3, 120), analysis.Counts(2, 980)
		})
	})
}

func TestGaugeConforms(t *testing.T) {
	t.Parallel()
	analysistest.TestSource(t, func(t testing.TB) analysistest.Rig {
		dir := t.TempDir()
		write(t, dir, "canary", "1\n")
		write(t, dir, "baseline", "1\n")
		source := &command.Gauge{Program: script(dir, program+`cat "$DIR/$TIDEGATE_ARM"`)}
		queue := 0.5
		return rig(t, dir, source, func(analysis.Window) (canary, baseline analysis.Sample) {
			queue++
			write(t, dir, "canary", fmt.Sprintln(queue))
			return analysis.Gauge(queue), analysis.Gauge(1)
		})
	})
}

func script(dir, text string) command.Program {
	return command.Program{Args: []string{"sh", "-c", text}, Env: []string{"DIR=" + dir}}
}

func write(t testing.TB, dir, name, text string) {
	require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
}

func rig(t testing.TB, dir string, source analysis.Source, traffic func(analysis.Window) (canary, baseline analysis.Sample)) analysistest.Rig {
	return analysistest.Rig{
		Source:  source,
		Traffic: traffic,
		Break:   func() { write(t, dir, "broken", "") },
		Hang: func() <-chan struct{} {
			pipe := filepath.Join(dir, "hang")
			require.NoError(t, exec.Command("mkfifo", pipe).Run())
			// Open for writing too, so that opening it waits for nobody.
			read, err := os.OpenFile(pipe, os.O_RDWR, 0)
			require.NoError(t, err)
			t.Cleanup(func() { _ = read.Close() })
			asked := make(chan struct{})
			go func() {
				if _, err := read.Read(make([]byte, 1)); err == nil {
					close(asked)
				}
			}()
			return asked
		},
	}
}
