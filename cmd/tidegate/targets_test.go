package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/rollout"
	"github.com/tidegate-go/tidegate/rollout/planfile"
)

func TestParseTargets(t *testing.T) {
	got, err := planfile.ParseTargets(strings.NewReader("\n# all\na\n  b\tzone=1  rack=x=y # one\nc weight=10 tier=-1 note=\nd#1"))
	require.NoError(t, err)
	require.Equal(t, []rollout.Target{
		{Name: "a"},
		{Name: "b", Labels: map[string]string{"zone": "1", "rack": "x=y"}},
		{Name: "c", Weight: 10, Tier: -1, Labels: map[string]string{"note": ""}},
		{Name: "d#1"},
	}, got)
}

// Whatever is in a file: what is read from it can be run.
func FuzzTargets(f *testing.F) {
	for _, seed := range []string{"a\nb zone=1\n", "a\r\n", "\x00", "-x", "a a=b a=c", "# x\n\na weight=1", "a\na", "\xff", "é ü=1", "a\u2028b"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		targets, err := planfile.ParseTargets(strings.NewReader(text))
		if err != nil {
			require.Contains(t, err.Error(), "line ")
			return
		}
		seen := make(map[string]bool)
		for _, target := range targets {
			require.NotEmpty(t, target.Name)
			require.False(t, seen[target.Name], "twice")
			require.NotContains(t, "-#", target.Name[:1])
			require.False(t, strings.ContainsAny(target.Name, "\x00\r\n\t ="), "%q", target.Name)
			require.GreaterOrEqual(t, target.Weight, int64(0))
			seen[target.Name] = true
		}
	})
}

func FuzzSplitWords(f *testing.F) {
	for _, seed := range []string{`a b`, `a "b c" 'd"e'`, `\ `, `"`, `a\`, `''`, `a''b`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, line string) {
		words, err := splitWords(line)
		if err != nil {
			return
		}
		var quoted []string
		for _, w := range words {
			quoted = append(quoted, "'"+strings.ReplaceAll(w, "'", `'\''`)+"'")
		}
		again, err := splitWords(strings.Join(quoted, " "))
		require.NoError(t, err)
		require.Equal(t, words, again)
	})
}

func TestSplitWords(t *testing.T) {
	got, err := splitWords(`ssh  {target} 'a "b"' "c 'd'" e\ f "" $HOME *.go`)
	require.NoError(t, err)
	require.Equal(t, []string{"ssh", "{target}", `a "b"`, "c 'd'", "e f", "", "$HOME", "*.go"}, got)
}

func TestWaves(t *testing.T) {
	for text, want := range map[string][]int{
		defaultWaves:     {1, 9, 40, 50},
		"100%":           {100},
		"5, 10,50%,100%": {5, 5, 40, 50},
		"0.5%,100%":      {1, 99},
		"1000,100%":      {100},
		"1%,3,100%":      {1, 2, 97},
	} {
		w, err := parseWaves(text)
		require.NoError(t, err, text)
		all, err := w.Split(make([]rollout.Target, 100))
		require.NoError(t, err, text)
		var got []int
		for _, one := range all {
			got = append(got, len(one.Targets))
		}
		require.Equal(t, want, got, text)
	}
	w, err := parseWaves(defaultWaves)
	require.NoError(t, err)
	for n := 1; n < 2000; n++ {
		all, err := w.Split(make([]rollout.Target, n))
		require.NoError(t, err)
		sum := 0
		for _, one := range all {
			sum += len(one.Targets)
		}
		require.Equal(t, n, sum)
	}
}

func TestParseCounter(t *testing.T) {
	c, err := parseCounter("--max", `http_requests_total{code=~"5..", path="/a.b", q="\""}`)
	require.NoError(t, err)
	require.Equal(t, "http_requests_total", c.Name)
	require.Equal(t, map[string]string{"code": "5..", "path": `/a\.b`, "q": `"`}, c.Match)
	for _, bad := range []string{"", "a b", "a{", "a{b}", `a{b="c}`, `a{b!="c"}`, `a{b="c" d="e"}`, `a{b="c",b="d"}`, "{}"} {
		_, err := parseCounter("--max", bad)
		require.Error(t, err, bad)
	}
	events, total, err := cutRatio("--max", `a{path=~"/x/.*"} / b`)
	require.NoError(t, err)
	require.Equal(t, []string{`a{path=~"/x/.*"}`, "b"}, []string{events, total})
	for _, bad := range []string{"a", "a/", "/b", "a/b/c", `a{p="/"}`} {
		_, _, err := cutRatio("--max", bad)
		require.Error(t, err, bad)
	}
}
