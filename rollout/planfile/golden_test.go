//go:build unix

package planfile_test

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/tidegate-go/tidegate/guardrails"
	"github.com/tidegate-go/tidegate/rollout"
	"github.com/tidegate-go/tidegate/rollout/planfile"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares with a file, or writes it.
func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
		return
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err, "run the test with -update, and read what it wrote")
	require.Equal(t, string(want), got)
}

// files are those of a folder of testdata, by their name without the ending.
func files(t testing.TB, folder string) map[string]string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join("testdata", folder, "*.yaml"))
	require.NoError(t, err)
	require.NotEmpty(t, paths)
	all := make(map[string]string, len(paths))
	for _, path := range paths {
		all[strings.TrimSuffix(filepath.Base(path), ".yaml")] = path
	}
	return all
}

func TestEveryFaultIsSaidWithItsPlace(t *testing.T) {
	for name, path := range files(t, "errors") {
		t.Run(name, func(t *testing.T) {
			data, err := os.ReadFile(path)
			require.NoError(t, err)
			f, err := planfile.Decode(path, data, planfile.Options{Vars: map[string]string{"version": "v2"}})
			require.Error(t, err)
			require.Nil(t, f)
			require.ErrorIs(t, err, rollout.ErrInvalidPlan)
			said := strings.ReplaceAll(err.Error(), path, filepath.Base(path))
			golden(t, strings.TrimSuffix(path, ".yaml")+".golden", said+"\n")
		})
	}
}

// past is a history in which nothing has been.
type past struct{ guardrails.History }

func whole() planfile.Options {
	return planfile.Options{
		Vars: map[string]string{"version": "v42"}, Run: planfile.RunProgram(context.Background()), History: past{},
	}
}

func TestWhatIsGoodIsWrittenInOneWay(t *testing.T) {
	for name, path := range files(t, "good") {
		t.Run(name, func(t *testing.T) {
			data, err := os.ReadFile(path)
			require.NoError(t, err)
			first := decoded(t, path, data)
			out := encoded(t, first)
			golden(t, strings.TrimSuffix(path, ".yaml")+".golden", out)
			again := decoded(t, path, []byte(out))
			require.Equal(t, out, encoded(t, again))
			require.Equal(t, hash(t, first), hash(t, again))
			require.Equal(t, hash(t, first), hash(t, decoded(t, path, data)), "the same file has the same hash")
		})
	}
}

func decoded(t testing.TB, path string, data []byte) *planfile.File {
	t.Helper()
	f, err := planfile.Decode(path, data, whole())
	require.NoError(t, err)
	return f
}

func encoded(t testing.TB, f *planfile.File) string {
	t.Helper()
	out, err := planfile.Encode(f)
	require.NoError(t, err)
	return string(out)
}

func hash(t testing.TB, f *planfile.File) string {
	t.Helper()
	h, err := f.Plan.Hash()
	require.NoError(t, err)
	return h
}

func TestWhatIsWrittenIsWhatIsMeant(t *testing.T) {
	f := decoded(t, "testdata/good/rollback.yaml", read(t, "testdata/good/rollback.yaml"))
	p := f.Plan
	require.Equal(t, 33.3, p.Rollback.Batch)
	require.Equal(t, time.Duration(-1), p.Rollback.Jitter)
	require.Equal(t, []string{"v0", "1.10"}, p.Rollback.Older)
	require.Equal(t, 48*time.Hour, p.Rollback.Registry.Bake)
	require.Equal(t, "testdata/good/versions.jsonl", p.Rollback.Registry.Path)
	require.Equal(t, 36*time.Hour, p.HoldAtMost)
	require.Equal(t, 500*time.Millisecond, p.GuardInterval)
	require.NoError(t, p.Rollback.Page(t.Context(), "it is on fire"))
	require.NoError(t, p.Rollback.Fast[0].Do(t.Context()))
}

func read(t testing.TB, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	return data
}
