package analysis_test

import (
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/analysis"
)

func TestFigure(t *testing.T) {
	for name, c := range map[string]struct {
		sample analysis.Sample
		figure float64
		ok     bool
	}{
		"zero":                {analysis.Sample{}, 0, false},
		"counts":              {analysis.Counts(3, 12), 0.25, true},
		"no requests":         {analysis.Counts(0, 0), 0, false},
		"events beyond total": {analysis.Counts(13, 12), 1, true},
		"by hand, beyond":     {analysis.Sample{Kind: analysis.CountKind, Events: 13, Total: 12}, 1, true},
		"value":               {analysis.Gauge(-0.5), -0.5, true},
		"NaN":                 {analysis.Gauge(math.NaN()), 0, false},
		"infinity":            {analysis.Gauge(math.Inf(-1)), 0, false},
		"by hand, NaN":        {analysis.Sample{Kind: analysis.ValueKind, Value: math.NaN()}, 0, false},
		"unknown kind":        {analysis.Sample{Kind: 7, Total: 5, Value: 5}, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			figure, ok := c.sample.Figure()
			require.Equal(t, c.ok, ok)
			require.Equal(t, c.figure, figure)
		})
	}
}

func TestSampleJSON(t *testing.T) {
	for text, s := range map[string]analysis.Sample{
		`{"events":3,"total":12}`: analysis.Counts(3, 12),
		`{"events":0,"total":0}`:  analysis.Counts(0, 0),
		`{"value":0}`:             analysis.Gauge(0),
		`{"value":-1.5}`:          analysis.Gauge(-1.5),
		`{}`:                      {},
	} {
		data, err := json.Marshal(s)
		require.NoError(t, err)
		require.JSONEq(t, text, string(data))
		var back analysis.Sample
		require.NoError(t, json.Unmarshal(data, &back))
		require.Equal(t, s, back)
	}
	for text, msg := range map[string]string{
		`{"events":3}`:                     "want",
		`{"total":3}`:                      "want",
		`{"events":3,"total":4,"value":1}`: "want",
		`{"events":5,"total":4}`:           "5 events among a total of 4",
		`{"events":-1,"total":4}`:          "analysis: sample",
		`{"value":"NaN"}`:                  "analysis: sample",
		`{"events":1.5,"total":4}`:         "analysis: sample",
		`{"events":1,"total":9e99}`:        "analysis: sample",
		`[]`:                               "analysis: sample",
	} {
		s := analysis.Gauge(42)
		require.ErrorContains(t, json.Unmarshal([]byte(text), &s), msg, "%s", text)
		require.Equal(t, analysis.Gauge(42), s, "%s: unchanged", text)
	}
}

func TestObservationJSON(t *testing.T) {
	o := analysis.Observation{At: start, Canary: analysis.Counts(1, 2)}
	data, err := json.Marshal(o)
	require.NoError(t, err)
	require.JSONEq(t, `{"time":"2026-11-21T09:00:00Z","canary":{"events":1,"total":2}}`, string(data))
}

func FuzzObservationJSON(f *testing.F) {
	for _, seed := range []string{
		`{"time":"2026-11-21T09:00:00Z","canary":{"events":1,"total":2},"baseline":{"value":0.5}}`,
		`{"time":"2026-11-21T09:00:00Z","error":"timeout"}`,
		`{"canary":{"events":5,"total":4}}`,
		`{"canary":{"value":1e308}}`,
		`{"canary":null}`, `{}`, `null`, `[]`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var o analysis.Observation
		if json.Unmarshal(data, &o) != nil {
			return
		}
		for _, s := range []analysis.Sample{o.Canary, o.Baseline} {
			require.LessOrEqual(t, s.Events, s.Total)
			figure, _ := s.Figure()
			require.False(t, math.IsNaN(figure) || math.IsInf(figure, 0))
		}
		again, err := json.Marshal(o)
		require.NoError(t, err)
		var back analysis.Observation
		require.NoError(t, json.Unmarshal(again, &back))
		require.True(t, o.At.Equal(back.At))
		o.At, back.At = time.Time{}, time.Time{}
		require.Equal(t, o, back)

		for _, judge := range []analysis.Judge{analysis.NotWorse{}, analysis.Above(0.5)} {
			trial := judge.Begin()
			trial.Judge(o)
			require.NotEmpty(t, trial.Judge(o).Reason)
		}
	})
}
