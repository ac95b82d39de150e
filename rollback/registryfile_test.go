package rollback_test

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/rollback"
)

// recorded is a registry in which v2 is bad, v3 was cleared, and v1 is known to be good.
func recorded(t *testing.T) (r *rollback.Registry, text []byte) {
	t.Helper()
	r = registry(t)
	deploy(t, r, monday, "v1")
	require.NoError(t, r.MarkBad(t.Context(), "checkout", "v3", "r3", "tidegate", "slow"))
	require.NoError(t, r.Clear(t.Context(), "checkout", "v3", "alice", "it was the network"))
	require.NoError(t, r.MarkBad(t.Context(), "checkout", "v2", "r2", "tidegate", `says ","sum":"`))
	text, err := os.ReadFile(r.Path)
	require.NoError(t, err)
	require.Equal(t, 5, bytes.Count(text, []byte("\n")))
	return r, text
}

func write(t *testing.T, r *rollback.Registry, text []byte) {
	t.Helper()
	require.NoError(t, os.WriteFile(r.Path, text, 0o600))
}

// A crash may cut the file anywhere. What was there before is there, and can be added
// to; of the line that was torn nothing is, until all of it was.
func TestTornAnywhere(t *testing.T) {
	t.Parallel()
	r, text := recorded(t)
	last := bytes.LastIndexByte(text[:len(text)-1], '\n') + 1
	for cut := range text {
		for _, zeros := range []int{0, 3} {
			write(t, r, append(bytes.Clone(text[:cut]), make([]byte, zeros)...))
			err := r.CheckVersion(t.Context(), "checkout", "v2")
			if cut < len(text)-1 {
				require.NoError(t, err, "%q", text[:cut])
			} else {
				require.ErrorIs(t, err, rollback.ErrBadVersion, "only the line end is missing")
			}
			if cut < last && cut%50 > 0 {
				continue // each costs an fsync
			}
			require.NoError(t, r.MarkBad(t.Context(), "checkout", "v4", "r4", "tidegate", "slow"))
			require.ErrorIs(t, r.CheckVersion(t.Context(), "checkout", "v4"), rollback.ErrBadVersion)
			require.NoError(t, r.MarkBad(t.Context(), "checkout", "v2", "r2", "tidegate", "slow"))
			require.ErrorIs(t, r.CheckVersion(t.Context(), "checkout", "v2"), rollback.ErrBadVersion)
		}
	}
}

// Whatever bit is flipped, whatever line is taken out, doubled or moved: it is an error
// that names the line, and nothing is written.
func TestAnyOtherDamageIsAnError(t *testing.T) {
	t.Parallel()
	r, text := recorded(t)
	lines := strings.SplitAfter(strings.TrimSuffix(string(text), "\n"), "\n")
	lines[len(lines)-1] += "\n"
	join := func(order ...int) (s string) {
		for _, i := range order {
			s += lines[i]
		}
		return s
	}
	for name, damaged := range map[string]string{
		"taken out":         join(0, 1, 3, 4),
		"the first is gone": join(1, 2, 3, 4),
		"doubled":           join(0, 1, 2, 2, 3, 4),
		"moved":             join(0, 1, 3, 2, 4),
		"an empty line":     lines[0] + "\n" + join(1, 2, 3, 4),
		"put in":            join(0, 1) + strings.Replace(lines[1], "v1", "v9", 1) + join(2, 3, 4),
		"something else":    "# versions\n" + string(text),
		"no line at all":    "hello",
		"torn, and more":    string(text[:len(text)-20]) + "\n" + lines[1],
	} {
		write(t, r, []byte(damaged))
		err := r.CheckVersion(t.Context(), "checkout", "v9")
		require.ErrorIs(t, err, rollback.ErrRegistryCorrupt, name)
		require.Regexp(t, `versions, line \d: `, err.Error(), name)
		require.ErrorIs(t, r.MarkBad(t.Context(), "checkout", "v9", "r9", "tidegate", "slow"), rollback.ErrRegistryCorrupt, name)
		after, err := os.ReadFile(r.Path)
		require.NoError(t, err)
		require.Equal(t, damaged, string(after), name)
	}
	for i := range text {
		for _, bit := range []byte{1, 0x20, 0x80} {
			damaged := bytes.Clone(text)
			damaged[i] ^= bit
			write(t, r, damaged)
			_, err := r.KnownGood(t.Context(), "checkout", monday.Add(48*time.Hour))
			require.ErrorIs(t, err, rollback.ErrRegistryCorrupt, "%q", damaged)
			require.ErrorContains(t, err, fmt.Sprintf("line %d: ", 1+bytes.Count(text[:i], []byte("\n"))))
		}
	}
}

// A registry says its format, so that what a newer version of tidegate wrote is refused.
func TestTheFileIsReadByHumans(t *testing.T) {
	t.Parallel()
	_, text := recorded(t)
	lines := strings.Split(string(text), "\n")
	require.Regexp(t, `^{"fact":"registry","format":1,"at":"[^"]+","sum":"[0-9a-f]{8}"}$`, lines[0])
	require.Regexp(t, `^{"fact":"deployed","at":"2026-03-02T09:00:00Z","service":"checkout","version":"v1","rollout":"[^"]+","sum":"[0-9a-f]{8}"}$`, lines[1])
	require.Regexp(t, `^{"fact":"cleared","at":"[^"]+","service":"checkout","version":"v3","actor":"alice","reason":"it was the network","sum":"[0-9a-f]{8}"}$`, lines[3])
}
