package filejournal_test

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/rollout"
	"github.com/tidegate-go/tidegate/rollout/filejournal"
)

// requireCorrupt makes sure that damage is refused on the right line, and that
// the file and its surroundings stay as they are.
func requireCorrupt(t testing.TB, dir filejournal.Dir, damaged []byte, line int) *filejournal.CorruptError {
	t.Helper()
	path := journalOf(dir, "r")
	put(t, path, damaged)
	lock := content(t, filepath.Join(string(dir), "r.lock"))

	_, err := dir.Open(t.Context(), "r")
	require.ErrorIs(t, err, rollout.ErrCorrupt)
	var corrupt *filejournal.CorruptError
	require.ErrorAs(t, err, &corrupt)
	require.Equal(t, path, corrupt.Path)
	require.Equal(t, line, corrupt.Line, "%v", err)
	require.NotEmpty(t, corrupt.Reason)
	require.NotEmpty(t, corrupt.Hint)
	require.Equal(t, damaged, content(t, path), "the journal is left alone")
	require.Equal(t, lock, content(t, filepath.Join(string(dir), "r.lock")), "no epoch is taken")
	require.NoFileExists(t, path+".torn")
	return corrupt
}

func TestEveryBitFlipIsDetected(t *testing.T) {
	dir := newDir(t)
	record(t, dir, "r", 6)
	whole := content(t, journalOf(dir, "r"))
	flip := func(bit int) {
		damaged := bytes.Clone(whole)
		damaged[bit/8] ^= 1 << (bit % 8)
		requireCorrupt(t, dir, damaged, 1+bytes.Count(whole[:bit/8], []byte{'\n'}))
	}
	for bit := 8 * (len(whole) - 60); bit < 8*len(whole); bit++ {
		flip(bit) // the last line's end, where a flip could pass for a torn line
	}
	for range 300 {
		flip(rand.IntN(8 * len(whole)))
	}
}

func TestEditedJournalsAreRefused(t *testing.T) {
	dir := newDir(t)
	record(t, dir, "r", 4)
	whole := content(t, journalOf(dir, "r"))
	lines := bytes.SplitAfter(whole, []byte{'\n'})
	join := func(lines ...[]byte) []byte { return bytes.Join(lines, nil) }

	for _, c := range []struct {
		name    string
		content []byte
		line    int
		reason  string
	}{
		{"a line removed", join(lines[0], lines[2], lines[3]), 2, "sequence number"},
		{"the first line removed", join(lines[1:]...), 1, "sequence number"},
		{"a line twice", join(lines[0], lines[1], lines[1], lines[2]), 3, "sequence number"},
		{"two lines swapped", join(lines[0], lines[2], lines[1], lines[3]), 2, "sequence number"},
		{"the last line twice", join(lines[0], lines[1], lines[2], lines[3], lines[3]), 5, "sequence number"},
		{"a word changed", bytes.Replace(whole, []byte("host-2"), []byte("host-7"), 1), 3, "checksum"},
		{"an empty line", join(lines[0], []byte("\n"), lines[1]), 2, "does not end in a checksum"},
		{"an empty line at the end", join(whole, []byte("\n")), 5, "does not end in a checksum"},
		{"a line of something else", join(lines[0], []byte("Dear diary\n")), 2, "does not end in a checksum"},
		{"an event by hand", join(whole, []byte(`{"at":"2026-07-01T12:00:00Z","kind":"ended"}`+"\n")), 5, "does not end in a checksum"},
		{"another rollout's line", join(lines[0], filejournal.Seal(nil, `{"kind":"done"}`, `{"kind":"done"}`)[len(filejournal.Seal(nil, `{"kind":"done"}`)):]), 2, "checksum"},
		{"windows line ends", bytes.ReplaceAll(whole, []byte("\n"), []byte("\r\n")), 1, "does not end in a checksum"},
	} {
		t.Run(c.name, func(t *testing.T) {
			corrupt := requireCorrupt(t, dir, c.content, c.line)
			require.Contains(t, corrupt.Reason, c.reason)
		})
	}
}

// A line can be sound, and still say what this version cannot understand: a newer
// one has written it. On the last line Open finds that of the kind, and of all the
// rest Events does.
func TestWhatANewerVersionWroteIsRefused(t *testing.T) {
	const good = `{"at":"2026-07-01T12:00:00Z","kind":"doing"}`
	for _, c := range []struct {
		name, object string
		atOpen       bool
		want         error
		says         string
	}{
		{"an unknown kind", `{"at":"2026-07-01T12:00:00Z","kind":"teleported"}`, true, rollout.ErrNewer, `unknown event kind "teleported"`},
		{"an unknown field", `{"at":"2026-07-01T12:00:00Z","kind":"doing","blessed":true}`, false, rollout.ErrNewer, `unknown field "blessed"`},
		{"an unknown field of the spec", `{"at":"2026-07-01T12:00:00Z","kind":"started","spec":{"format":2,"blessed":true}}`, false, rollout.ErrNewer, `unknown field "blessed"`},
		{"another type", `{"at":"2026-07-01T12:00:00Z","kind":"doing","step":{"id":"a"}}`, false, rollout.ErrNewer, "cannot unmarshal object"},
		{"no JSON", `{at:1}`, true, rollout.ErrCorrupt, "it is not an event"},
	} {
		t.Run(c.name, func(t *testing.T) {
			refused := func(t *testing.T, err error) {
				require.ErrorIs(t, err, c.want)
				require.NotErrorIs(t, err, map[error]error{rollout.ErrNewer: rollout.ErrCorrupt, rollout.ErrCorrupt: rollout.ErrNewer}[c.want])
				require.ErrorContains(t, err, c.says)
				require.ErrorContains(t, err, "r.jsonl")
				require.ErrorContains(t, err, "2")
			}
			for place, content := range map[string][]byte{
				"last":      filejournal.Seal(nil, good, c.object),
				"elsewhere": filejournal.Seal(nil, good, c.object, good),
			} {
				t.Run(place, func(t *testing.T) {
					dir := newDir(t)
					put(t, journalOf(dir, "r"), content)
					s, err := dir.Open(t.Context(), "r")
					if place == "last" && c.atOpen {
						refused(t, err)
						require.Equal(t, content, contentOf(t, dir), "nothing is altered")
						return
					}
					require.NoError(t, err)
					var got []error
					for _, err := range s.Events() {
						got = append(got, err)
					}
					closeIt(t, s)
					require.Len(t, got, 2, "an error ends the sequence")
					require.NoError(t, got[0])
					refused(t, got[1])
					require.Equal(t, content, contentOf(t, dir), "nothing is altered")
				})
			}
		})
	}
}

func contentOf(t testing.TB, dir filejournal.Dir) []byte { return content(t, journalOf(dir, "r")) }

func TestReadOfNothing(t *testing.T) {
	dir := newDir(t)
	for _, err := range dir.Read("never-opened") {
		require.ErrorIs(t, err, os.ErrNotExist)
	}
	for _, err := range dir.Read("../r") {
		require.ErrorContains(t, err, "rollout name")
	}
}
