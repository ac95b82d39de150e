package analysis_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/analysis"
)

func TestOutcomesAreWords(t *testing.T) {
	for word, o := range map[string]analysis.Outcome{
		"undecided": analysis.Undecided, "pass": analysis.Pass, "fail": analysis.Fail,
		"inconclusive": analysis.Inconclusive, "error": analysis.Error, "degraded": analysis.Degraded,
	} {
		require.Equal(t, word, o.String())
		data, err := json.Marshal(o)
		require.NoError(t, err)
		require.JSONEq(t, `"`+word+`"`, string(data))
		var back analysis.Outcome
		require.NoError(t, json.Unmarshal(data, &back))
		require.Equal(t, o, back)
	}
}

func TestUnknownOutcomesAreErrors(t *testing.T) {
	o := analysis.Pass
	require.ErrorContains(t, json.Unmarshal([]byte(`"passed"`), &o), `unknown outcome "passed"`)
	require.Equal(t, analysis.Pass, o, "unchanged")
	require.Equal(t, "outcome(17)", analysis.Outcome(17).String())
	_, err := json.Marshal(analysis.Outcome(17))
	require.ErrorContains(t, err, "unknown outcome 17")
}

func TestZeroVerdictHolds(t *testing.T) {
	require.Equal(t, analysis.Undecided, analysis.Verdict{}.Outcome)
	require.Equal(t, analysis.Undecided, analysis.Decision{}.Outcome)
	data, err := json.Marshal(analysis.Verdict{})
	require.NoError(t, err)
	require.JSONEq(t, `{"outcome":"undecided","reason":""}`, string(data))
}
