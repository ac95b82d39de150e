package planfile

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestDurationsAsPeopleWriteThem(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"90s": 90 * time.Second, "5m": 5 * time.Minute, "1h30m": 90 * time.Minute, "3d": 72 * time.Hour, "1d12h": 36 * time.Hour,
		"250ms": 250 * time.Millisecond, "1.5h": 90 * time.Minute, "0": 0, "0d": 0,
	} {
		d, err := parseDuration(text)
		require.NoError(t, err, text)
		require.Equal(t, want, d, text)
		again, err := parseDuration(formatDuration(d))
		require.NoError(t, err, text)
		require.Equal(t, d, again, text)
	}
	for _, text := range []string{"", "5", "d", "1.5d", "-1m", "5 m", "1m5", "106752d", "99999d9999999h", "9999999999h", "NaN", "1d-1h"} {
		_, err := parseDuration(text)
		require.Error(t, err, text)
	}
	require.Equal(t, "1h", formatDuration(time.Hour))
	require.Equal(t, "1h0m5s", formatDuration(time.Hour+5*time.Second))
	require.Equal(t, "10m", formatDuration(10*time.Minute))
}

func TestPercentagesAreExact(t *testing.T) {
	for text, want := range map[string][2]float64{
		"1%": {1, 0.01}, "0.1%": {0.1, 0.001}, "0.7%": {0.7, 0.007}, "33.3 %": {33.3, 0.333}, "99.99%": {99.99, 0.9999}, "100%": {100, 1},
	} {
		percent, share, err := parsePercent(text)
		require.NoError(t, err, text)
		require.Equal(t, want, [2]float64{percent, share}, text)
	}
	for _, text := range []string{"", "%", "1", "-1%", "1e2%", "NaN%", "1%%", ".5%", "1,5%", "0x1%"} {
		_, _, err := parsePercent(text)
		require.Error(t, err, text)
	}
}

func TestVariables(t *testing.T) {
	vars := map[string]string{"v": "42", "nested": "${v}", "a.b-c": "x"}
	for text, want := range map[string]string{
		"v${v}": "v42", "$${v}": "${v}", "$$${v}": "$${v}", "$v $": "$v $", "${nested}": "${v}", "${a.b-c}${v}": "x42", "": "",
	} {
		require.Equal(t, want, fill(text, vars, func(msg string) { t.Error(text, msg) }), text)
		require.Equal(t, want, fill(literal(want), nil, func(msg string) { t.Error(want, msg) }))
	}
	for _, text := range []string{"${", "${v", "${ v}", "${}", "${w}", "${v:-1}"} {
		wrong := 0
		fill(text, vars, func(string) { wrong++ })
		require.Equal(t, 1, wrong, text)
	}
}

func TestTheNearestWord(t *testing.T) {
	known := []string{"at-least", "at-most", "name", "max-exposure"}
	for word, want := range map[string]string{
		"atLeast": "at-least", "at_most": "at-most", "naem": "name", "nmae": "name", "maxexposure": "max-exposure", "zebra": "", "": "",
		strings.Repeat("x", 1000): "",
	} {
		require.Equal(t, want, nearest(word, known), word)
	}
}

func TestNamesOfGoAndOfTheFile(t *testing.T) {
	require.Equal(t, "bake.at-least", fileName("Bake.AtLeast"))
	require.Equal(t, "checks[1].no-data-after", fileName("Checks[1].NoDataAfter"))
	require.Equal(t, "rto", fileName("RTO"))
	require.Equal(t, "AllowBigBang", goName("allow-big-bang"))
}
