package filejournal_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/rollout"
)

// The format is a promise to people with a shell, so it is checked here without
// the package's own code.
func TestLinesAreAsDocumented(t *testing.T) {
	dir := newDir(t)
	record(t, dir, "r", 12)
	sum := ""
	lines := strings.Split(strings.TrimSuffix(string(content(t, journalOf(dir, "r"))), "\n"), "\n")
	require.Len(t, lines, 12)
	for i, line := range lines {
		body, _, found := strings.Cut(line, `,"sum":"`)
		require.True(t, found)
		digest := sha256.Sum256([]byte(sum + body))

		var fields struct {
			Kind, Step, Sum string
			Seq             int
		}
		require.NoError(t, json.Unmarshal([]byte(line), &fields))
		require.Equal(t, i+1, fields.Seq)
		require.Equal(t, "doing", fields.Kind)
		require.Equal(t, hosts(12)[i], fields.Step)
		require.Equal(t, hex.EncodeToString(digest[:16]), fields.Sum)
		sum = fields.Sum
	}
}

// What a user writes into a name or a reason cannot pass for the line's own
// fields, and a line is one line whatever is in it.
func TestHostileText(t *testing.T) {
	dir := newDir(t)
	reasons := []string{
		`","seq":1,"sum":"00000000000000000000000000000000"}`, "two\nlines", "\r\n", "\x00\x7f\u2028", `<&>`, `,"sum":"`,
		strings.Repeat("x", 300<<10), // longer than any buffer
	}
	s := open(t, dir, "r")
	for _, reason := range reasons {
		appendTo(t, s, rollout.Event{Kind: rollout.Abort, Reason: reason})
	}
	closeIt(t, s)
	require.Equal(t, len(reasons), bytes.Count(content(t, journalOf(dir, "r")), []byte("\n")))

	s = open(t, dir, "r")
	var got []string
	for ev, err := range s.Events() {
		require.NoError(t, err)
		got = append(got, ev.Reason)
	}
	require.Equal(t, reasons, got)
	closeIt(t, s)
}

// The first event names the whole fleet.
func TestLinesOfManyMegabytes(t *testing.T) {
	dir := newDir(t)
	spec := &rollout.Spec{Waves: []rollout.SpecWave{{Steps: make([]rollout.SpecStep, 60_000)}}}
	for i := range spec.Waves[0].Steps {
		spec.Waves[0].Steps[i] = rollout.SpecStep{ID: step(i).Step, Weight: rand.Int64()}
	}
	s := open(t, dir, "r", "service")
	appendTo(t, s, step(0), rollout.Event{Kind: rollout.Started, Spec: spec}, step(2))
	appendTo(t, s, rollout.Event{Kind: rollout.Started, Spec: spec})
	closeIt(t, s)
	require.Greater(t, len(content(t, journalOf(dir, "r"))), 5<<20)

	_, err := dir.Open(t.Context(), "other", "service")
	require.ErrorIs(t, err, rollout.ErrHeld)
	require.ErrorContains(t, err, "has not ended", "also when the last line is a long one")

	s = open(t, dir, "r")
	n := 0
	for ev, err := range s.Events() {
		require.NoError(t, err)
		if n%2 == 1 {
			require.Equal(t, spec, ev.Spec)
		}
		n++
	}
	require.Equal(t, 4, n)
	closeIt(t, s)
}

// An event that JSON has no words for is refused, and the session goes on.
func TestEventsThatCannotBeEncoded(t *testing.T) {
	dir := newDir(t)
	s := open(t, dir, "r")
	require.ErrorContains(t, s.Append(t.Context(), step(0), rollout.Event{}), "event 2 of 2 (kind(0)) cannot be encoded")
	appendTo(t, s, step(0))
	closeIt(t, s)
	s = open(t, dir, "r")
	require.Equal(t, hosts(1), steps(t, s))
	closeIt(t, s)
}
