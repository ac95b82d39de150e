package main

import (
	"bytes"
	"errors"
	"io"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
)

func readLines(r io.Reader, limit int) (texts []string, numbers []int, err error) {
	for l, e := range lines(r, limit) {
		if e != nil {
			return texts, append(numbers, l.number), e
		}
		texts, numbers = append(texts, string(l.text)), append(numbers, l.number)
	}
	return texts, numbers, nil
}

func TestLines(t *testing.T) {
	for _, tc := range []struct {
		story, input string
		texts        []string
		numbers      []int
		err          string
	}{
		{"nothing", "", nil, nil, ""},
		{"blank lines count", "\n \r\na\n\nb", []string{"a", "b"}, []int{3, 5}, ""},
		{"either end", "a\r\nb\nc", []string{"a", "b", "c"}, []int{1, 2, 3}, ""},
		{"as long as may be", "12345\r\n12345", []string{"12345", "12345"}, []int{1, 2}, ""},
		{"too long by one", "a\n123456\nb", []string{"a"}, []int{1, 2}, "the line is longer than 5 bytes"},
		{"far too long", "a\n" + strings.Repeat("x", 5000), []string{"a"}, []int{1, 2}, "the line is longer than 5 bytes"},
	} {
		t.Run(tc.story, func(t *testing.T) {
			for _, r := range []io.Reader{strings.NewReader(tc.input), iotest.OneByteReader(strings.NewReader(tc.input))} {
				texts, numbers, err := readLines(r, 5)
				require.Equal(t, tc.texts, texts)
				require.Equal(t, tc.numbers, numbers)
				if tc.err == "" {
					require.NoError(t, err)
				} else {
					require.EqualError(t, err, tc.err)
				}
			}
		})
	}
	_, numbers, err := readLines(io.MultiReader(strings.NewReader("a\nb"), iotest.ErrReader(errors.New("unplugged"))), 5)
	require.EqualError(t, err, "cannot read the input: unplugged")
	require.Equal(t, []int{1, 2, 3}, numbers)
}

// spaces never end.
type spaces struct{}

func (spaces) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

// A line without an end is refused, rather than read until there is no memory left.
func TestLineWithoutEnd(t *testing.T) {
	var stderr strings.Builder
	code := run([]string{"analyze", "--judge", "notworse", "-"}, spaces{}, io.Discard, &stderr)
	require.Equal(t, exitBadInput, code)
	require.Equal(t, "tidegate: stdin:1: the line is longer than 64 MB\n", stderr.String())
}

// Whatever comes in, the lines are those of the text, what is read of them makes
// sense, and the program says what is wrong rather than fail.
func FuzzInput(f *testing.F) {
	for _, seed := range []string{
		`{"time":"2026-01-02T15:04:05Z","trial":"a","canary":{"events":1,"total":9},"baseline":{"events":0,"total":90}}`,
		`{"canary":{"value":-1.5e3}}` + "\r\n\n" + `{"canary":{"value":1},"error":"x"}`,
		`{"canary":{"values":[1,null, 2.5]},"baseline":{"values":[]},"config":{"direction":"increase","confLevel":0.9}}`,
		`{"canary":{"values":[1,2,3,4]},"baseline":{"values":[5,6,7,8]}}`,
		`{"canary":{"buckets":{"0.1":3,"+Inf":5}},"baseline":{"buckets":{"0.1":4,"1e1":40}}}`,
		`{"before":true,"canary":{"value":1},"baseline":{"value":2}}` + "\n" + `{"canary":{"value":2},"baseline":{"value":1}}`,
		`{"canary":{"events":1,"total":2},"slices":[{"name":"a","canary":{"events":1,"total":2}},{"name":"b","baseline":{"buckets":{"1":1}}}]}`,
		`{"metrics":{"errors":{"canary":{"values":[1,null]},"baseline":{"values":[]}},"sales":{}}}`,
		`{"canary":{"buckets":{}}}`, `{"canary":{"values":[[1,2],"a,b"]}}`, "\x00", `{"a":1,"a":2}`, `null`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		const limit = 1 << 10
		var want []string
		for _, text := range bytes.Split(data, []byte("\n")) {
			text = bytes.TrimSuffix(text, []byte("\r"))
			if len(text) > limit {
				break
			}
			if len(bytes.TrimSpace(text)) > 0 {
				want = append(want, string(text))
			}
		}
		texts, numbers, _ := readLines(bytes.NewReader(data), limit)
		require.Equal(t, want, texts)
		require.True(t, slices.IsSorted(numbers))
		for _, text := range texts {
			sane(t, text)
		}
		for _, args := range [][]string{
			{"--judge", "notworse"},
			{"--judge", "notworse", "--per-slice"},
			{"--judge", "kayenta", "--config", "../../analysis/kayenta/testdata/checkout.json"},
			{"--judge", "within", "--min", "0", "--max", "1"},
			{"--judge", "kayenta"},
			{"--judge", "mannwhitney"},
		} {
			code, _, stderr := runs(string(data), append(append([]string{"analyze"}, args...), "-")...)
			require.Contains(t, []int{exitPass, exitFail, exitInconclusive, exitBadInput}, code, stderr)
			require.Equal(t, code == exitBadInput, stderr != "")
			require.LessOrEqual(t, strings.Count(stderr, "\n"), 1, "one line says it")
		}
	})
}

// sane holds what is read of a line against what a line may say.
func sane(t *testing.T, text string) {
	r, err := parse([]byte(text))
	if err != nil {
		require.ErrorAs(t, err, new(badInput), "%v", err)
		return
	}
	pairs := []pair{r.pair}
	for _, named := range slices.Concat(r.slices, r.metrics) {
		pairs = append(pairs, named.pair)
	}
	for _, p := range pairs {
		for _, side := range p.arms() {
			require.LessOrEqual(t, side.sample.Events, side.sample.Total)
			require.False(t, math.IsNaN(side.sample.Value) || math.IsInf(side.sample.Value, 0))
			require.True(t, slices.IsSorted(side.sample.Buckets) && slices.IsSorted(side.sample.Bounds))
			require.False(t, slices.ContainsFunc(side.values, func(v float64) bool { return math.IsInf(v, 0) }))
			if side.kind != values {
				require.Empty(t, side.values)
			}
		}
	}
}
