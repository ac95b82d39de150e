//go:build unix

package guardrails_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/guardrails"
)

// sized is an artifact as it is.
func sized(bytes, entries int64) func(context.Context, guardrails.Action) (guardrails.Artifact, error) {
	return func(context.Context, guardrails.Action) (guardrails.Artifact, error) {
		return guardrails.Artifact{Bytes: bytes, Entries: entries}, nil
	}
}

// Cloudflare, 18 November 2025: a file of features is made every five minutes, and for
// one time in two a query returns each row twice. With the guard no machine ever gets
// the doubled file; without it, machines read more features than they can take.
func TestMaxDiffStopsTheDoubledFile(t *testing.T) {
	dir := t.TempDir()
	made, good := filepath.Join(dir, "made"), filepath.Join(dir, "good")
	make := func(times int) {
		text := strings.Repeat(strings.Repeat("feature\n", times), 120)
		require.NoError(t, os.WriteFile(made, []byte(text), 0o600))
	}
	make(1)
	require.NoError(t, os.Rename(made, good))
	for _, guarded := range []bool{true, false} {
		crashed := 0
		for tick := range 10 {
			make(1 + tick%2)
			guard := &guardrails.MaxDiff{New: guardrails.ArtifactFile(made, guardrails.CountLines), Good: guardrails.ArtifactFile(good, guardrails.CountLines)}
			deploy := func(context.Context) error {
				entries, err := os.ReadFile(made)
				require.NoError(t, err)
				if strings.Count(string(entries), "\n") > 200 {
					crashed++
				}
				return nil
			}
			if !guarded {
				require.NoError(t, deploy(t.Context()))
				continue
			}
			err := guardrails.Do(t.Context(), []guardrails.Guard{guard}, deploy)
			if tick%2 == 0 {
				require.NoError(t, err)
				continue
			}
			require.ErrorIs(t, err, guardrails.ErrRefused)
			require.ErrorContains(t, err, "max-diff: the artifact has 1920 bytes where the last good one has 960 (+100%; the cap is +50% = 1440)")
		}
		require.Equal(t, map[bool]int{true: 0, false: 5}[guarded], crashed)
	}
}

func TestMaxDiffCheck(t *testing.T) {
	for name, test := range map[string]struct {
		guard *guardrails.MaxDiff
		want  string
	}{
		"the zero value":             {&guardrails.MaxDiff{}, "New is nil"},
		"nothing to compare with":    {&guardrails.MaxDiff{New: sized(1, 1)}, "Good is nil"},
		"the same":                   {&guardrails.MaxDiff{New: sized(100, 10), Good: sized(100, 10)}, ""},
		"as much more as may be":     {&guardrails.MaxDiff{New: sized(150, 15), Good: sized(100, 10)}, ""},
		"one byte more":              {&guardrails.MaxDiff{New: sized(151, 15), Good: sized(100, 10)}, "151 bytes where the last good one has 100 (+51%; the cap is +50% = 150)"},
		"one entry more":             {&guardrails.MaxDiff{New: sized(150, 16), Good: sized(100, 10)}, "16 entries where the last good one has 10"},
		"as much less as may be":     {&guardrails.MaxDiff{New: sized(50, 5), Good: sized(100, 10)}, ""},
		"one byte less":              {&guardrails.MaxDiff{New: sized(49, 5), Good: sized(100, 10)}, "49 bytes where the last good one has 100 (-51%; the cap is -50% = 50)"},
		"one entry less":             {&guardrails.MaxDiff{New: sized(50, 4), Good: sized(100, 10)}, "4 entries"},
		"a cap of one's own":         {&guardrails.MaxDiff{New: sized(110, 11), Good: sized(100, 10), Grow: 5}, "the cap is +5% = 105"},
		"rounded down":               {&guardrails.MaxDiff{New: sized(100, 11), Good: sized(100, 10), Grow: 9}, "the cap is +9% = 10"},
		"ten times as much":          {&guardrails.MaxDiff{New: sized(1000, 0), Good: sized(100, 0), Grow: 900}, ""},
		"nobody counts":              {&guardrails.MaxDiff{New: sized(100, 0), Good: sized(100, 0)}, ""},
		"entries are gone":           {&guardrails.MaxDiff{New: sized(100, 0), Good: sized(100, 10), Shrink: 100}, "the artifact has no entries"},
		"entries are new":            {&guardrails.MaxDiff{New: sized(100, 10), Good: sized(100, 0)}, "the last good artifact has no entries to compare with"},
		"empty":                      {&guardrails.MaxDiff{New: sized(0, 0), Good: sized(100, 0), Shrink: 100}, "the artifact has no bytes"},
		"both empty":                 {&guardrails.MaxDiff{New: sized(0, 0), Good: sized(0, 0)}, "the artifact has no bytes"},
		"more than can be read":      {&guardrails.MaxDiff{New: sized(100, 201), Good: sized(100, 200), MaxEntries: 200}, "the artifact has 201 entries, and who reads it can take 200"},
		"more bytes":                 {&guardrails.MaxDiff{New: sized(101, 0), Good: sized(100, 0), MaxBytes: 100}, "the artifact has 101 bytes"},
		"entries that nobody counts": {&guardrails.MaxDiff{New: sized(100, 0), Good: sized(100, 0), MaxEntries: 200}, "the artifact has no entries"},
		"negative":                   {&guardrails.MaxDiff{New: sized(-1, 0), Good: sized(100, 0)}, "negative figures"},
		"no new one":                 {&guardrails.MaxDiff{New: missing, Good: sized(100, 0)}, "the new one: file does not exist"},
		"no new one, and the first":  {&guardrails.MaxDiff{New: missing, Good: missing, First: "new", MaxBytes: 10}, "the new one: file does not exist"},
		"no last one":                {&guardrails.MaxDiff{New: sized(100, 0), Good: missing}, "the last good one: file does not exist"},
		"the first":                  {&guardrails.MaxDiff{New: sized(100, 0), Good: missing, First: "new", MaxBytes: 100}, ""},
		"the first, and too large":   {&guardrails.MaxDiff{New: sized(101, 0), Good: missing, First: "new", MaxBytes: 100}, "it is the first: new"},
		"the first, and empty":       {&guardrails.MaxDiff{New: sized(0, 0), Good: missing, First: "new", MaxBytes: 100}, "the artifact has no bytes"},
		"the first, without a limit": {&guardrails.MaxDiff{New: sized(1, 0), Good: missing, First: "new"}, "neither MaxBytes nor MaxEntries"},
		"the first, with an error":   {&guardrails.MaxDiff{New: sized(1, 0), Good: failing, First: "new", MaxBytes: 1}, "no route"},
		"a panic":                    {&guardrails.MaxDiff{New: func(context.Context, guardrails.Action) (guardrails.Artifact, error) { panic("oops") }, Good: missing}, "oops"},
		"bad limits":                 {&guardrails.MaxDiff{New: sized(1, 1), Good: sized(1, 1), Grow: math.Inf(1)}, "Grow is +Inf"},
		"huge":                       {&guardrails.MaxDiff{New: sized(math.MaxInt64, 0), Good: sized(math.MaxInt64/2, 0)}, "9223372036854775807 bytes"},
		"huge, and so is the limit":  {&guardrails.MaxDiff{New: sized(math.MaxInt64, 0), Good: sized(math.MaxInt64/2, 0), Grow: 1e6}, ""},
		"a bad shrink":               {&guardrails.MaxDiff{New: sized(1, 1), Good: sized(1, 1), Shrink: 101}, "Shrink is 101"},
		"negative limits":            {&guardrails.MaxDiff{New: sized(1, 1), Good: sized(1, 1), MaxBytes: -1, MaxEntries: -1}, "MaxBytes is negative"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, verb := range []guardrails.Verb{guardrails.Unknown, guardrails.Start, guardrails.Deploy} {
				err := test.guard.Check(t.Context(), guardrails.Action{Verb: verb})
				if test.want == "" {
					require.NoError(t, err)
					continue
				}
				var b *guardrails.Breach
				require.ErrorAs(t, err, &b)
				require.Contains(t, b.Error(), test.want)
				require.True(t, b.Cap)
				require.NotEmpty(t, b.Runbook)
			}
			for _, verb := range []guardrails.Verb{guardrails.Bake, guardrails.Undo, guardrails.Recover} {
				require.NoError(t, test.guard.Check(t.Context(), guardrails.Action{Verb: verb}))
			}
		})
	}
}

func missing(context.Context, guardrails.Action) (guardrails.Artifact, error) {
	return guardrails.Artifact{}, fs.ErrNotExist
}

func failing(context.Context, guardrails.Action) (guardrails.Artifact, error) {
	return guardrails.Artifact{}, errors.New("no route")
}

// It measures for each release, once a second.
func TestMaxDiffMeasuresOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int32
		m := &guardrails.MaxDiff{Good: sized(100, 0), New: func(_ context.Context, act guardrails.Action) (guardrails.Artifact, error) {
			asked.Add(1)
			require.Empty(t, act.Target)
			return guardrails.Artifact{Bytes: map[string]int64{"v2": 100, "v3": 300}[act.To]}, nil
		}}
		for i := range 1000 {
			act := guardrails.Action{Verb: guardrails.Deploy, Target: fmt.Sprint("host-", i), To: "v2"}
			require.NoError(t, m.Check(t.Context(), act))
			act.To = "v3"
			require.Error(t, m.Check(t.Context(), act))
		}
		require.EqualValues(t, 2, asked.Load())
		time.Sleep(time.Second)
		require.NoError(t, m.Check(t.Context(), guardrails.Action{To: "v2"}))
		require.EqualValues(t, 3, asked.Load())
		for i := range 1000 {
			require.Error(t, m.Check(t.Context(), guardrails.Action{To: fmt.Sprint("v", i+4)}))
		}
	})
}

func TestMaxDiffSelfTest(t *testing.T) {
	for _, m := range []*guardrails.MaxDiff{
		{New: missing, Good: missing},
		{New: missing, Good: missing, Grow: 1e6, Shrink: 100},
		{New: missing, Good: missing, Grow: 0.1, MaxBytes: 1, MaxEntries: 1, First: "new"},
	} {
		require.NoError(t, m.SelfTest(t.Context()))
	}
	require.ErrorIs(t, guardrails.SelfTest(t.Context(), &guardrails.MaxDiff{New: missing, Good: missing, Grow: -1}), guardrails.ErrSelfTest)
	require.ErrorIs(t, guardrails.SelfTest(t.Context(), &guardrails.MaxDiff{}), guardrails.ErrSelfTest)
}

func TestCountLines(t *testing.T) {
	for text, want := range map[string]int64{
		"": 0, "\n": 0, "a": 1, "a\n": 1, "a\nb": 2, "\n\n a\r\n \t\r\nb\n": 2,
		strings.Repeat("x", 1<<20) + "\ny": 2, strings.Repeat(" ", 1<<20) + "x": 1,
	} {
		n, err := guardrails.CountLines(strings.NewReader(text))
		require.NoError(t, err)
		require.Equal(t, want, n)
	}
	_, err := guardrails.CountLines(io.MultiReader(strings.NewReader("a\n"), broken{}))
	require.ErrorContains(t, err, "bad sector")
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("bad sector") }

func TestArtifactFile(t *testing.T) {
	dir := t.TempDir()
	path, pipe := filepath.Join(dir, "file"), filepath.Join(dir, "pipe")
	require.NoError(t, os.WriteFile(path, []byte("a\nb\n"), 0o600))
	require.NoError(t, syscall.Mkfifo(pipe, 0o600))
	act := guardrails.Action{}
	a, err := guardrails.ArtifactFile(path, guardrails.CountLines)(t.Context(), act)
	require.NoError(t, err)
	require.Equal(t, "4 bytes, 2 entries", a.String())
	a, err = guardrails.ArtifactFile(path, nil)(t.Context(), act)
	require.NoError(t, err)
	require.Equal(t, "4 bytes", a.String())
	_, err = guardrails.ArtifactFile(filepath.Join(dir, "no"), nil)(t.Context(), act)
	require.ErrorIs(t, err, fs.ErrNotExist)
	_, err = guardrails.ArtifactFile(pipe, nil)(t.Context(), act)
	require.ErrorContains(t, err, "no regular file")
	_, err = guardrails.ArtifactFile(dir, nil)(t.Context(), act)
	require.ErrorContains(t, err, "no regular file")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("enough"))
	_, err = guardrails.ArtifactFile(path, guardrails.CountLines)(ctx, act)
	require.ErrorContains(t, err, "enough")
}
