package filejournal_test

import (
	"bytes"
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/tidegate-go/tidegate/guardrails"
	"github.com/tidegate-go/tidegate/rollout"
	"github.com/tidegate-go/tidegate/rollout/filejournal"
)

// sealed is an event as the only line of a journal, without its newline.
func sealed(t require.TestingT, ev rollout.Event) []byte {
	object, err := json.Marshal(ev)
	require.NoError(t, err)
	return bytes.TrimSuffix(filejournal.Seal(nil, string(object)), []byte("\n"))
}

// The lines that a journal has by the million are read without encoding/json.
func TestFrequentLinesAreFlat(t *testing.T) {
	at := time.Date(2026, 7, 1, 12, 0, 1, 234_567_000, time.UTC)
	for name, ev := range map[string]rollout.Event{
		"doing":       {At: at, Kind: rollout.Doing, Epoch: 3, Step: "web-1.eu"},
		"done":        {At: at, Kind: rollout.Done, Epoch: 3, Step: "web-1.eu", Attempts: 2},
		"do-failed":   {At: at, Kind: rollout.DoFailed, Epoch: 3, Step: "web-1.eu", Attempts: 2, Reason: "exit code 1"},
		"by somebody": {At: at, Kind: rollout.Undone, Epoch: 3, Step: "web-1.eu", Attempts: 1, Actor: "tidegate[1234]", Reason: "verified"},
		"verb":        {At: at, Kind: rollout.Approve, Epoch: 3, Wave: 2, Actor: "jo@ops", Reason: "looks good"},
		"ended":       {At: at, Kind: rollout.Ended, Epoch: 3, Outcome: rollout.Completed, Reason: "gate 3 passed"},
		"whole time":  {At: at.Truncate(time.Second), Kind: rollout.Resumed},
	} {
		t.Run(name, func(t *testing.T) {
			got, ok := filejournal.Flat(sealed(t, ev))
			require.True(t, ok)
			require.Equal(t, ev, got)
		})
	}
}

// What is not of the frequent form is left to encoding/json, and what no runner
// writes is refused.
func TestLinesThatAreNotFlat(t *testing.T) {
	at := `{"at":"2026-07-01T12:00:00Z",`
	for _, c := range []struct {
		name, line string
		err        string // empty for none
	}{
		{"a nested object", at + `"kind":"breached","breach":{"guard":"g","reason":"r"}}`, ""},
		{"an escape", at + `"kind":"doing","step":"a\"b"}`, ""},
		{"beyond ASCII", at + `"kind":"doing","step":"café"}`, ""},
		{"no UTF-8", at + "\"kind\":\"doing\",\"step\":\"\xff\"}", ""},
		{"another order", `{"kind":"doing","at":"2026-07-01T12:00:00Z"}`, ""},
		{"white space", at + ` "kind":"doing"}`, ""},
		{"an override", at + `"kind":"override","step":"g","actor":"a","reason":"r","until":"2026-07-01T13:00:00Z"}`, ""},
		{"another zone", `{"at":"2026-07-01T12:00:00+02:00","kind":"doing"}`, ""},
		{"zero", at + `"kind":"doing","epoch":0}`, ""},
		{"the largest epoch", at + `"kind":"doing","epoch":18446744073709551615}`, ""},
		{"below zero", at + `"kind":"doing","wave":-1}`, ""},
		{"null", at + `"kind":"doing","step":null}`, ""},
		{"a field twice", at + `"kind":"doing","step":"a","step":"b"}`, ""},
		{"a leading zero", at + `"kind":"doing","epoch":07}`, "invalid character"},
		{"an epoch out of range", at + `"kind":"doing","epoch":18446744073709551616}`, "cannot unmarshal number"},
		{"a fraction", at + `"kind":"doing","wave":1.5}`, "cannot unmarshal number"},
		{"no such day", `{"at":"2026-02-30T12:00:00Z","kind":"doing"}`, "day out of range"},
		{"no end", at + `"kind":"doing"`, "unexpected EOF"},
		{"two objects", at + `"kind":"doing"}{}`, "something follows the object"},
		{"a control character", at + "\"kind\":\"doing\",\"step\":\"a\x01\"}", "invalid character"},
		{"an unknown kind", at + `"kind":"teleported"}`, "unknown event kind"},
		{"an unknown field", at + `"kind":"doing","blessed":true}`, `unknown field "blessed"`},
		{"an unknown field within", at + `"kind":"breached","breach":{"guard":"g","blessed":true}}`, `unknown field "blessed"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			line := []byte(c.line)
			if ev, ok := filejournal.Flat(line); ok {
				require.Equal(t, "another zone", c.name, "%+v", ev)
			}
			ev, err := filejournal.Decode(line)
			if c.err != "" {
				require.ErrorContains(t, err, c.err)
				return
			}
			require.NoError(t, err)
			var want rollout.Event
			require.NoError(t, json.Unmarshal(line, &want))
			require.Equal(t, want, ev)
		})
	}
}

// FuzzDecode holds the decoder against encoding/json, on any line.
func FuzzDecode(f *testing.F) {
	at := time.Date(2026, 7, 1, 12, 0, 1, 234_567_000, time.UTC)
	for _, ev := range []rollout.Event{
		{At: at, Kind: rollout.Doing, Epoch: 3, Wave: 2, Step: "a", Attempts: 2, Actor: "jo", Reason: "why", Outcome: rollout.Halted},
		{At: at, Kind: rollout.Override, Until: at.Add(time.Hour)},
		{At: at, Kind: rollout.Breached, Breach: &guardrails.Breach{Guard: "g"}},
		{At: at, Kind: rollout.Started, Spec: &rollout.Spec{Rollout: "r"}},
		{At: at.In(time.FixedZone("x", 3600)), Kind: rollout.Ended},
	} {
		f.Add(sealed(f, ev))
	}
	f.Add([]byte(`{"at":"2026-07-01T12:00:00,5Z","kind":"doing","epoch":18446744073709551616}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		var want rollout.Event
		wantErr := json.Unmarshal(line, &want)
		if got, ok := filejournal.Flat(line); ok {
			require.NoError(t, wantErr)
			require.Equal(t, want, got)
		}
		got, err := filejournal.Decode(line)
		switch {
		case err == nil:
			require.NoError(t, wantErr)
			require.Equal(t, want, got)
		case wantErr == nil: // stricter than encoding/json in this, and in "seq" and "sum", that are checked before
			require.Regexp(t, `unknown field|field (Seq|Sum)|\.(seq|sum) of type|something follows`, err.Error())
		}
	})
}

// Whatever an event says, it is read as encoding/json reads it, and as it was
// written.
func TestDecodeIsEncodingJSON(t *testing.T) {
	var kinds []rollout.Kind
	for k := range math.MaxUint8 {
		if _, err := rollout.Kind(k).MarshalText(); err == nil {
			kinds = append(kinds, rollout.Kind(k))
		}
	}
	text := rapid.OneOf(rapid.Just(""), rapid.StringMatching(`[ -~]{1,20}`), rapid.String())
	rapid.Check(t, func(t *rapid.T) {
		ev := rollout.Event{
			At:       time.Unix(rapid.Int64Range(-62135596800, 253402300799).Draw(t, "seconds"), rapid.Int64Range(0, 999_999_999).Draw(t, "nanos")).UTC(),
			Kind:     rapid.SampledFrom(kinds).Draw(t, "kind"),
			Epoch:    rapid.Uint64().Draw(t, "epoch"),
			Wave:     rapid.Int().Draw(t, "wave"),
			Step:     text.Draw(t, "step"),
			Attempts: rapid.Int().Draw(t, "attempts"),
			Actor:    text.Draw(t, "actor"),
			Reason:   text.Draw(t, "reason"),
			Outcome:  rapid.SampledFrom([]rollout.Phase{rollout.Pending, rollout.Completed, rollout.Halted}).Draw(t, "outcome"),
		}
		if rapid.Bool().Draw(t, "breached") {
			ev.Breach = &guardrails.Breach{Guard: text.Draw(t, "guard")}
		}
		line := sealed(t, ev)
		var want rollout.Event
		require.NoError(t, json.Unmarshal(line, &want))
		require.Equal(t, strings.ToValidUTF8(ev.Step, "\ufffd"), want.Step)
		got, err := filejournal.Decode(line)
		require.NoError(t, err)
		require.Equal(t, want, got)
		if flat, ok := filejournal.Flat(line); ok {
			require.Equal(t, want, flat)
		}
	})
}
