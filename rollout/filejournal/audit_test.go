package filejournal_test

import (
	"bytes"
	"io/fs"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/rollout"
	"github.com/tidegate-go/tidegate/rollout/filejournal"
)

// history is a journal that an older version has left.
func history(t *testing.T, name string) (path string, whole []byte, lines [][]byte) {
	whole = content(t, filepath.Join("testdata", "format0", name+".jsonl"))
	path = filepath.Join(t.TempDir(), name+".jsonl")
	put(t, path, whole)
	lines = bytes.SplitAfter(whole, []byte("\n"))
	return path, whole, lines[:len(lines)-1]
}

// headOf is the checksum of a line.
func headOf(line []byte) string {
	_, rest, _ := strings.Cut(string(line), `"sum":"`)
	return rest[:32]
}

func TestAuditSaysWhatTheJournalTells(t *testing.T) {
	path, _, lines := history(t, "completed")
	got, err := filejournal.Audit(path, headOf(lines[0]), headOf(lines[50]))
	require.NoError(t, err)
	at := func(second int) time.Time { return time.Date(2000, 1, 1, 0, 0, second, 0, time.UTC) }
	require.Contains(t, got.Reason, "gate 4 passed")
	const why = `<the ticket says "so">`
	require.Equal(t, filejournal.Summary{
		Rollout: "completed", Service: "checkout", From: "v1", To: "v2",
		Lines: 51, First: at(0), Last: at(244),
		Phase: rollout.Completed, Ended: true, Reason: got.Reason,
		Verbs: []filejournal.Verb{
			{Line: 7, At: at(20), Actor: "ann", Verb: rollout.Pause, Reason: why},
			{Line: 8, At: at(20), Actor: "ann", Verb: rollout.Override, Reason: why},
			{Line: 9, At: at(20), Actor: "ann", Verb: rollout.Resume, Reason: why},
		},
		Actors: []filejournal.Actor{{Name: "ann", Events: 3}},
		Head:   headOf(lines[50]),
	}, got)

	path, _, lines = history(t, "interrupted")
	got, err = filejournal.Audit(path)
	require.NoError(t, err)
	require.Equal(t, []any{rollout.Gating, false, "", len(lines)}, []any{got.Phase, got.Ended, got.Reason, got.Lines})
	require.Len(t, got.Actors, 1)
	require.Regexp(t, `^tidegate\[\d+\]$`, got.Actors[0].Name)
}

func TestAuditNamesTheFirstAlteredLine(t *testing.T) {
	path, whole, lines := history(t, "completed")
	alteredAt := func(line int) {
		t.Helper()
		got, err := filejournal.Audit(path)
		require.ErrorIs(t, err, rollout.ErrCorrupt)
		var corrupt *filejournal.CorruptError
		require.ErrorAs(t, err, &corrupt)
		require.Equal(t, []any{path, line}, []any{corrupt.Path, corrupt.Line}, "%v", err)
		require.Equal(t, line-1, got.Lines, "the summary is of what comes before")
		if line > 1 {
			require.Equal(t, headOf(lines[line-2]), got.Head)
		}
	}
	for range 100 { // any bit
		bit := rand.IntN(8 * len(whole))
		damaged := bytes.Clone(whole)
		damaged[bit/8] ^= 1 << (bit % 8)
		put(t, path, damaged)
		alteredAt(1 + bytes.Count(whole[:bit/8], []byte("\n")))
	}
	for i := range lines[:len(lines)-1] { // any line but the last
		put(t, path, bytes.Join(append(append([][]byte{}, lines[:i]...), lines[i+1:]...), nil))
		alteredAt(i + 1)
		swapped := append([][]byte{}, lines...)
		swapped[i], swapped[i+1] = swapped[i+1], swapped[i]
		put(t, path, bytes.Join(swapped, nil))
		alteredAt(i + 1)
	}
	put(t, path, bytes.Replace(whole, []byte(`"actor":"ann"`), []byte(`"actor":"bob"`), 1))
	alteredAt(7)
}

// What is cut off at the end, or written anew as a whole, takes a head to be found out.
func TestAuditAgainstAHead(t *testing.T) {
	path, whole, lines := history(t, "completed")
	head := headOf(lines[len(lines)-1])
	missed := func(content []byte) {
		t.Helper()
		put(t, path, content)
		_, err := filejournal.Audit(path)
		require.NoError(t, err, "the file itself is in order")
		_, err = filejournal.Audit(path, headOf(lines[0])[:31]+"x")
		require.ErrorIs(t, err, rollout.ErrCorrupt)
		_, err = filejournal.Audit(path, head)
		require.ErrorIs(t, err, rollout.ErrCorrupt)
		require.ErrorContains(t, err, "no line has the checksum "+head)
	}
	for n := range lines {
		missed(bytes.Join(lines[:n], nil))
	}
	missed(whole[:len(whole)-1]) // half a line is no line

	var objects []string
	for _, line := range lines {
		object, _, _ := strings.Cut(string(line), `,"seq":`)
		objects = append(objects, strings.ReplaceAll(object, `"actor":"ann"`, `"actor":"bob"`)+"}")
	}
	missed(filejournal.Seal(nil, objects...))
}

// Lines whose checksums fit, and that no rollout could have recorded.
func TestAuditRefusesWhatNoRolloutRecords(t *testing.T) {
	_, _, lines := history(t, "rolled-back")
	started, _, _ := strings.Cut(string(lines[0]), `,"seq":`)
	started += "}"
	const at = `{"at":"2026-07-01T12:00:00Z",`
	for _, c := range []struct {
		name    string
		objects []string
		line    int
		want    error
		says    string
	}{
		{"done before it began", []string{started, at + `"kind":"done","step":"host-1"}`}, 2, rollout.ErrCorrupt, "it cannot follow the lines before"},
		{"a step that is not in the plan", []string{started, at + `"kind":"doing","step":"host-99"}`}, 2, rollout.ErrCorrupt, "there is no such step"},
		{"no beginning", []string{at + `"kind":"doing","step":"host-1"}`}, 1, rollout.ErrCorrupt, "the first event is doing"},
		{"two beginnings", []string{started, started}, 2, rollout.ErrCorrupt, "it cannot follow"},
		{"an end in the middle", []string{started, at + `"kind":"ended","outcome":"completed"}`}, 2, rollout.ErrCorrupt, "the rollout has not ended"},
		{"no event", []string{started, `{at:1}`}, 2, rollout.ErrCorrupt, "it is not an event"},
		{"an unknown kind", []string{started, at + `"kind":"blessed"}`}, 2, rollout.ErrNewer, "line 2 of"},
		{"an unknown field", []string{started, at + `"kind":"doing","blessed":true}`}, 2, rollout.ErrNewer, "line 2 of"},
		{"a newer format", []string{strings.Replace(started, `"spec":{`, `"spec":{"format":99,`, 1)}, 1, rollout.ErrNewer, "line 1 of"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "r.jsonl")
			put(t, path, filejournal.Seal(nil, c.objects...))
			got, err := filejournal.Audit(path)
			require.ErrorIs(t, err, c.want)
			require.ErrorContains(t, err, c.says)
			require.ErrorContains(t, err, path)
			require.Equal(t, c.line-1, got.Lines)
		})
	}
}

func TestAuditOfNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r.jsonl")
	_, err := filejournal.Audit(path)
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.NotErrorIs(t, err, rollout.ErrCorrupt)
	_, err = filejournal.Audit(filepath.Dir(path))
	require.ErrorContains(t, err, "is a directory")
	require.NotErrorIs(t, err, rollout.ErrCorrupt)

	put(t, path, nil)
	got, err := filejournal.Audit(path)
	require.NoError(t, err)
	require.Equal(t, filejournal.Summary{}, got)
	_, err = filejournal.Audit(path, headOf([]byte(`"sum":"0123456789abcdef0123456789abcdef"`)))
	require.ErrorIs(t, err, rollout.ErrCorrupt)
}

// Torn lines are told, wherever they are torn.
func TestAuditTellsATornLine(t *testing.T) {
	path, whole, lines := history(t, "rolled-back")
	last := len(lines[len(lines)-1])
	for torn := 1; torn < last; torn++ {
		put(t, path, whole[:len(whole)-last+torn])
		got, err := filejournal.Audit(path)
		require.NoError(t, err)
		require.Equal(t, int64(torn), got.Torn)
		require.Equal(t, len(lines)-1, got.Lines)
		require.False(t, got.Ended)
	}
}

// A runner may be at work meanwhile, and is not held up.
func TestAuditWhileARunnerIsAtWork(t *testing.T) {
	dir := newDir(t)
	s := open(t, dir, "r")
	appendTo(t, s, rolloutOf(401)[0])
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 200 {
			_ = s.Append(t.Context(), rollout.Event{At: time.Now().UTC(), Kind: rollout.Pause, Actor: "ann", Reason: "x"}, rollout.Event{At: time.Now().UTC(), Kind: rollout.Resume, Actor: "ann", Reason: "y"})
		}
	}()
	lines := 0
	for atWork := true; atWork; {
		select {
		case <-done:
			atWork = false
		default:
		}
		got, err := filejournal.Audit(journalOf(dir, "r"))
		require.NoError(t, err)
		require.GreaterOrEqual(t, got.Lines, lines)
		lines = got.Lines
	}
	closeIt(t, s)
	require.Equal(t, 401, lines)
}
