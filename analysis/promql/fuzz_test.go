package promql_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/analysis/promql"
)

// Whatever a server says, what comes of it is an observation that can be written
// down and read again, or an error.
func FuzzSources(f *testing.F) {
	for _, seed := range []string{
		success("vector", labelled("le", "0.1=1.5 +Inf=3")),
		success("vector", zones("a=1 b=2.5")),
		success("vector", `[]`),
		success("matrix", fmt.Sprintf(`[{"metric":{"instance":"1","zone":"a"},"values":[[%d,"1"],[%d,"NaN"],[%d,"5"]]}]`, end.Unix()-20, end.Unix()-5, end.Unix()-1)),
		success("matrix", fmt.Sprintf(`[{"metric":{"zone":"a","le":"+Inf"},"values":[[%d,"1"]]},{"metric":{"zone":"a","le":"1"},"values":[[%d,"1"]]}]`, end.Unix(), end.Unix())),
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s := &promql.Server{URL: "http://fuzz", Transport: transport(func() []byte { return data })}
		sliced, slicedHistogram := counts(s), histogram(s)
		sliced.By, slicedHistogram.By = "zone", "zone"
		raw, slicedRaw := counters(s), counters(s)
		slicedRaw.By = "zone"
		for _, source := range []analysis.Historian{sliced, histogram(s), slicedHistogram, raw, slicedRaw} {
			o, err := source.Observe(t.Context(), window("a", ""))
			requireReadable(t, o, err)
			all, err := source.History(t.Context(), window("a", ""), 5*time.Second)
			require.LessOrEqual(t, len(all), 2)
			for _, o := range all {
				requireReadable(t, o, err)
			}
		}
	})
}

func requireReadable(t *testing.T, o analysis.Observation, err error) {
	if err != nil {
		require.Zero(t, o)
		require.Less(t, len(err.Error()), 4000)
		return
	}
	text, err := json.Marshal(o)
	require.NoError(t, err)
	var again analysis.Observation
	require.NoError(t, json.Unmarshal(text, &again), "%s", text)
	var events, total uint64
	for _, slice := range o.Slices {
		require.NotEmpty(t, slice.Name)
		events, total = events+slice.Canary.Events, total+slice.Canary.Total
	}
	if o.Slices != nil {
		require.Equal(t, o.Canary.Total, total)
		require.Equal(t, o.Canary.Events, events)
	}
}
