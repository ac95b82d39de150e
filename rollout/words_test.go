package rollout_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/rollout"
)

// A person reads the journal in an outage: what is chosen is written in words,
// and a word that is not known is refused, not taken for the zero value.
func TestChoicesAreWrittenInWords(t *testing.T) {
	spec := rollout.Spec{OnFailure: rollout.Freeze, Waves: []rollout.SpecWave{{OnDeadline: analysis.WaitAtDeadline}}}
	data, err := json.Marshal(spec)
	require.NoError(t, err)
	require.Contains(t, string(data), `"onFailure":"freeze"`)
	require.Contains(t, string(data), `"onDeadline":"wait"`)
	var back rollout.Spec
	require.NoError(t, json.Unmarshal(data, &back))
	require.Equal(t, spec, back)
	for _, unknown := range []string{
		`{"onFailure":"shrug"}`, `{"waves":[{"onDeadline":"promote"}]}`,
	} {
		require.ErrorContains(t, json.Unmarshal([]byte(unknown), &back), "unknown")
	}
	_, err = json.Marshal(rollout.Spec{OnFailure: 7})
	require.Error(t, err)
	require.Equal(t, "status(99)", rollout.StepStatus(99).String())
}
