//go:build unix

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// BenchmarkEach holds tidegate each against xargs -P, side by side, turn by turn:
//
//	go test ./cmd/tidegate -run '^$' -bench Each -benchtime 3x
//
// The program that is run is true, so that nothing but the overhead is measured.
// each/xargs is the ratio of the wall times.
func BenchmarkEach(b *testing.B) {
	const fleet = 10_000
	dir := b.TempDir()
	tidegate := filepath.Join(dir, "tidegate")
	said, err := exec.Command("go", "build", "-o", tidegate, ".").CombinedOutput()
	require.NoError(b, err, "%s", said)
	targets := filepath.Join(dir, "targets")
	var text strings.Builder
	for i := range fleet {
		fmt.Fprintf(&text, "t-%d\n", i)
	}
	require.NoError(b, os.WriteFile(targets, []byte(text.String()), 0o644))
	timed := func(name string, args ...string) time.Duration {
		cmd := exec.Command(name, args...)
		cmd.Env = append(os.Environ(), "TIDEGATE_STATE="+filepath.Join(dir, "state"))
		began := time.Now()
		said, err := cmd.CombinedOutput()
		require.NoError(b, err, "%s", said)
		return time.Since(began)
	}
	for _, parallel := range []string{"2", "10", "50"} {
		b.Run("parallel="+parallel, func(b *testing.B) {
			var each, xargs time.Duration
			for b.Loop() {
				xargs += timed("xargs", "-a", targets, "-P", parallel, "-n", "1", "true")
				each += timed(tidegate, "each", "--targets", targets, "--parallel", parallel, "--", "true", "{target}")
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(xargs.Seconds()/float64(b.N), "xargs-s")
			b.ReportMetric(each.Seconds()/float64(b.N), "each-s")
			b.ReportMetric(each.Seconds()/xargs.Seconds(), "each/xargs")
		})
	}
}
