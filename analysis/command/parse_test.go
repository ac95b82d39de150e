package command

import (
	"errors"
	"math"
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/analysis"
)

func TestParseNumber(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]float64{
		"0": 0, "12.5\n": 12.5, " \r\n-3\r\n": -3, "+1e3": 1000, ".5": 0.5, "1e-400": 0,
	} {
		got, err := parseNumber([]byte(text))
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
	for _, text := range []string{"", " \n\t", "NaN", "nan", "Inf", "-inf", "+Infinity", "1e999"} {
		_, err := parseNumber([]byte(text))
		require.ErrorIs(t, err, analysis.ErrNoData, text)
	}
	for _, text := range []string{"1 2", "1\n2", "12ms", "12%", "1,5", "0x10", "0x1p3", "1_000", "--1", "null", "true", `"1"`, "<html>", "{}", "\x00", "1\x00"} {
		_, err := parseNumber([]byte(text))
		require.ErrorContains(t, err, "want one number", text)
		require.NotErrorIs(t, err, analysis.ErrNoData, text)
	}
}

func TestParseReport(t *testing.T) {
	t.Parallel()
	counts, gauge := analysis.Counts, analysis.Gauge
	for text, want := range map[string]analysis.Observation{
		`{"canary":{"events":3,"total":12},"baseline":{"events":1,"total":90}}`: {Canary: counts(3, 12), Baseline: counts(1, 90)},
		` {"baseline":{"value":1},"canary":{"value":-2.5}} ` + "\n":             {Canary: gauge(-2.5), Baseline: gauge(1)},
		`{"canary":{"events":0,"total":0}}`:                                     {Canary: counts(0, 0)},
		`{"canary":{"value":0},"baseline":null}`:                                {Canary: gauge(0)},
		`{"canary":{"value":0},"baseline":{}}`:                                  {Canary: gauge(0)},
	} {
		got, err := parseReport([]byte(text))
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
	for _, text := range []string{"", "\n", "{}", `{"canary":null}`, `{"canary":{}}`, `{"baseline":{"value":1}}`, `{"canary":{"value":null}}`} {
		_, err := parseReport([]byte(text))
		require.ErrorIs(t, err, analysis.ErrNoData, text)
	}
	for text, want := range map[string]string{
		`12`:                                          "no JSON object",
		`[{"canary":{"value":1}}]`:                    "no JSON object",
		`"x"`:                                         "no JSON object",
		`<html>`:                                      "no JSON object",
		`{"canary":{"value":1}`:                       "malformed JSON",
		`{"canary":{"value":`:                         "malformed JSON",
		`{"canary":{"value":NaN}}`:                    "malformed JSON",
		`{"canary":{"value":1}} {}`:                   "more after",
		`{"canary":{"value":1}} x`:                    "more after",
		`{"Canary":{"value":1}}`:                      `unknown field "Canary"`,
		`{"canary":{"value":1},"stable":{}}`:          `unknown field "stable"`,
		`{"canary":{"value":1},"canary":{}}`:          `"canary" is there twice`,
		`{"canary":{"value":1,"value":2}}`:            `"value" is there twice`,
		`{"canary":{"events":1,"totals":2}}`:          `unknown field "totals"`,
		`{"canary":{"events":1}}`:                     "want",
		`{"canary":{"events":3,"total":2}}`:           "3 events among a total of 2",
		`{"canary":{"events":-1,"total":2}}`:          "sample",
		`{"canary":{"events":1.5,"total":2}}`:         "sample",
		`{"canary":{"value":"1"}}`:                    "sample",
		`{"canary":{"value":1e999}}`:                  "sample",
		`{"canary":{"value":1,"events":1,"total":2}}`: "want",
		`{"canary":7}`:                                "the canary: \"7\": no JSON object",
		`{"canary":{"value":1},"baseline":7}`:         "the baseline: \"7\": no JSON object",
		`{"canary":{"value":1},"baseline":{"events":0,"total":100}}`: "can't be compared",
	} {
		o, err := parseReport([]byte(text))
		require.ErrorContains(t, err, want, text)
		require.NotErrorIs(t, err, analysis.ErrNoData, text)
		require.Zero(t, o, text)
	}
}

func FuzzParseNumber(f *testing.F) {
	for _, seed := range []string{"1", "-1.5e3\n", "NaN", "", "1 2", "0x1"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := parseNumber(data)
		if err == nil && (math.IsNaN(v) || math.IsInf(v, 0)) {
			t.Fatal(v)
		}
		if err != nil && len(err.Error()) > 1000 {
			t.Fatal(len(err.Error()))
		}
	})
}

func FuzzParseReport(f *testing.F) {
	for _, seed := range []string{`{"canary":{"events":3,"total":12},"baseline":{"events":1,"total":90}}`, `{"canary":{"value":1}}`, `{"canary":{},"canary":1}`, `[`, "{}"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		o, err := parseReport(data)
		if err != nil {
			if !reflect.DeepEqual(o, analysis.Observation{}) {
				t.Fatal(o)
			}
			return
		}
		if o.Canary.Kind == analysis.NoData || o.Canary.Events > o.Canary.Total || errors.Is(err, analysis.ErrNoData) {
			t.Fatal(o)
		}
	})
}
