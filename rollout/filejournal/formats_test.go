package filejournal_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/rollout"
	"github.com/tidegate-go/tidegate/rollout/filejournal"
)

// What today's code writes, it reads and resumes, from wherever it was cut short.
func TestStoriesOfToday(t *testing.T) {
	dir := newDir(t)
	tellStories(t, dir)
	keepStories(t, dir)
	for _, name := range journals(t, string(dir)) {
		t.Run(name, func(t *testing.T) { goOn(t, name, content(t, journalOf(dir, name))) })
	}
}

// What older versions have written is read and resumed too. format0 is by the last version
// whose journals did not say their format.
func TestJournalsOfOlderVersions(t *testing.T) {
	formats, err := filepath.Glob("testdata/format*")
	require.NoError(t, err)
	require.NotEmpty(t, formats)
	for _, format := range formats {
		names := journals(t, format)
		require.NotEmpty(t, names)
		for _, name := range names {
			t.Run(filepath.Base(format)+"/"+name, func(t *testing.T) {
				goOn(t, name, content(t, filepath.Join(format, name+".jsonl")))
			})
		}
	}
}

// goOn has a runner take over a journal: as it is, and as many of its beginnings, with
// and without a part of the next line.
func goOn(t *testing.T, name string, whole []byte) {
	lines := bytes.SplitAfter(whole, []byte("\n"))
	for n := len(lines) - 1; n > 0; n -= 2 + n%4 {
		torn := lines[n][:len(lines[n])*(n%4)/4]
		resume(t, name, bytes.Join(lines[:n], nil), torn, n == len(lines)-1)
	}
}

func resume(t *testing.T, name string, journal, torn []byte, whole bool) {
	bad := strings.HasPrefix(name, "rolled-back")
	dir := newDir(t)
	put(t, journalOf(dir, name), append(bytes.Clone(journal), torn...))
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(24 * time.Hour) // after what the journals tell
		s := newStory(dir, name, map[bool]float64{false: 0.01, true: 0.05}[bad])
		var before rollout.State
		for ev, err := range dir.Read(name) {
			require.NoError(t, err)
			require.NoError(t, before.Step(ev))
		}
		for id, status := range before.Steps() {
			if status == rollout.StepDone || status == rollout.StepUndoing || status == rollout.StepFailed {
				s.hosts.versions[id] = "v2"
			}
		}
		over := before.Phase().Final()
		require.Equal(t, whole && (name == "completed" || name == "rolled-back"), whole && over)

		go func() { // a human, if it was paused
			time.Sleep(time.Hour)
			_ = s.runner.Command(t.Context(), rollout.Command{Verb: rollout.Resume, Actor: "ann", Reason: "go on"})
		}()
		result, err := s.runner.Run(t.Context())
		require.True(t, result.Resumed)
		if bad {
			require.ErrorIs(t, err, rollout.ErrRolledBack)
			require.Equal(t, map[string]int{"v1": 7}, s.hosts.run())
		} else {
			require.NoError(t, err)
			require.Equal(t, map[string]int{"v2": 7}, s.hosts.run())
		}
		after := content(t, journalOf(dir, name))
		require.True(t, bytes.HasPrefix(after, journal), "what was written stays")
		if over {
			require.Empty(t, s.hosts.deploys, "what is over is over")
		}
		if whole && over {
			require.Equal(t, journal, after)
		}
		time.Sleep(2 * time.Hour)
	})
}

// A bit has flipped: nothing is done, and nothing is altered.
func TestRunnerRefusesAFlippedBit(t *testing.T) {
	for _, name := range journals(t, "testdata/format0") {
		t.Run(name, func(t *testing.T) {
			whole := content(t, filepath.Join("testdata", "format0", name+".jsonl"))
			for range 20 {
				bit := rand.IntN(8 * len(whole))
				damaged := bytes.Clone(whole)
				damaged[bit/8] ^= 1 << (bit % 8)
				dir := newDir(t)
				put(t, journalOf(dir, name), damaged)
				synctest.Test(t, func(t *testing.T) {
					s := newStory(dir, name, 0.01)
					_, err := s.runner.Run(t.Context())
					require.ErrorIs(t, err, rollout.ErrCorrupt)
					require.ErrorContains(t, err, fmt.Sprintf("%s.jsonl:%d is corrupt", name, 1+bytes.Count(whole[:bit/8], []byte("\n"))))
					require.Empty(t, s.hosts.deploys)
				})
				require.Equal(t, damaged, content(t, journalOf(dir, name)))
			}
		})
	}
}

// A journal of a newer format is left to the version that can read it: nothing is done,
// and not a byte of it is altered.
func TestNewerFormatsAreRefused(t *testing.T) {
	dir := newDir(t)
	tellStories(t, dir)
	for _, name := range journals(t, string(dir)) {
		t.Run(name, func(t *testing.T) {
			var objects []string
			for i, line := range strings.Split(strings.TrimSpace(string(content(t, journalOf(dir, name)))), "\n") {
				object, _, _ := strings.Cut(line, `,"seq":`)
				if i == 0 {
					require.Contains(t, object, `"spec":{"format":`)
					_, rest, _ := strings.Cut(object, `"spec":{"format":`)
					object = `{"at":"2026-07-01T12:00:00Z","kind":"started","epoch":1,"spec":{"format":9` + rest[strings.IndexByte(rest, ','):]
				}
				objects = append(objects, object+"}")
			}
			newer := filejournal.Seal(nil, objects...)
			dir := newDir(t)
			put(t, journalOf(dir, name), newer)
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(24 * time.Hour)
				s := newStory(dir, name, 0.01)
				_, err := s.runner.Run(t.Context())
				require.ErrorIs(t, err, rollout.ErrNewer)
				require.NotErrorIs(t, err, rollout.ErrCorrupt)
				err = s.runner.Command(t.Context(), rollout.Command{Verb: rollout.Abort, Actor: "ann", Reason: "it does not run"})
				require.ErrorIs(t, err, rollout.ErrNewer)
				require.Empty(t, s.hosts.deploys)
			})
			require.Equal(t, newer, content(t, journalOf(dir, name)))
		})
	}
}
