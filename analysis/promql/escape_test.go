package promql

import (
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/tidegate-go/tidegate/analysis"
)

// matchers reads the label matchers of sum(x{...}) naively, by the rules of Go's
// strings, which are PromQL's.
func matchers(t require.TestingT, query string) map[string]string {
	tokens := split(query)
	found := make(map[string]string)
	for i, token := range tokens {
		if token.quote == 0 {
			continue
		}
		require.Greater(t, i, 0)
		before := tokens[i-1].text
		name := strings.TrimLeft(before[strings.LastIndexAny(before, "{,")+1:], " ")
		text := token.text
		if token.quote == '\'' { // Go has no such strings
			text = `"` + text[1:len(text)-1] + `"`
		}
		value, err := strconv.Unquote(text)
		require.NoError(t, err, query)
		found[name] = value
	}
	return found
}

// requireLiteral checks that a window's names, labels and versions come out as
// what they are, and match nothing else.
func requireLiteral(t require.TestingT, name, other string) {
	const source = `sum(x{pod=~"{{.Arm}}", a='{{.Arm}}', v="{{.Version}}",r=~"{{regex .Version}}",z=~"{{.Label "zone"}}"}[{{.Window}}])`
	q, err := compile("Query", source)
	require.NoError(t, err)
	w := trialWindows(nil)[0]
	w.Canary = analysis.Arm{Version: name, Members: []analysis.Member{
		{Name: name, Labels: map[string]string{"zone": name}}, {Name: other, Labels: map[string]string{"zone": other}}, {Name: name, Labels: map[string]string{"zone": name}},
	}}
	query, err := q.render(w, w.End.Sub(w.Start), canary)
	if name == "" || other == "" || !utf8.ValidString(name) || !utf8.ValidString(other) {
		require.Error(t, err)
		require.Empty(t, query)
		return
	}
	require.NoError(t, err)
	require.NotContains(t, query, "\n")
	tokens := split(query)
	require.Equal(t, `}[10s])`, tokens[len(tokens)-1].text, "nothing escapes from the quotes: %s", query)
	require.Len(t, tokens, 11, query)
	found := matchers(t, query)
	require.Len(t, found, 5)
	require.Equal(t, name, found["v="])
	for label, names := range map[string][]string{"pod=~": {name, other}, "a=": {name, other}, "z=~": {name, other}, "r=~": {name}} {
		re, err := regexp.Compile("^(?s:" + found[label] + ")$") // as Prometheus does
		require.NoError(t, err)
		for _, n := range names {
			require.True(t, re.MatchString(n), "%q must match %q", re, n)
		}
		for _, n := range []string{"", "x", name + "x", "x" + name, name + other} {
			require.Equal(t, n == name || len(names) > 1 && n == other, re.MatchString(n), "%q and %q", re, n)
		}
	}
}

func TestAnyNameMatchesLiterally(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.OneOf(rapid.String(), rapid.StringMatching("[\"'`\\\\{}().*+?|^$\\[\\]\\-=~#\n\r\t\x00{}a]*"), rapid.StringMatching(`web-[0-9]+\.example`))
		requireLiteral(t, name.Draw(t, "name"), name.Draw(t, "other"))
	})
}

func FuzzEscaping(f *testing.F) {
	for _, name := range []string{"", "web-1", `"`, `\`, `a"} or vector(0) or x{a="`, "'", "`", ".*", "|", "a|b", "\n", "# x", "{{.Arm}}", "é", "\xff", "(?i)A", `\Q`, `\E`, "\x7f\x00"} {
		f.Add(name, "web-2")
	}
	f.Fuzz(func(t *testing.T, name, other string) { requireLiteral(t, name, other) })
}

func TestDurations(t *testing.T) {
	t.Parallel()
	for in, want := range map[time.Duration]string{1: "0s", 499_999: "0s", 500_000: "1ms", 10e9: "10s", 10_123_456_789: "10s123ms", 90e9: "1m30s", 86_400e9: "1d"} {
		require.Equal(t, want, duration(in))
	}
}
