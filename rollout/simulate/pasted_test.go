package simulate_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/rollout/simulate"
)

func TestSeed42(t *testing.T) {
	const data = `{
	"spec": {
		"rollout": "",
		"service": "",
		"from": "v1",
		"to": "v2",
		"waves": [
			{
				"steps": [
					{
						"id": "a"
					}
				],
				"onDeadline": "wait"
			},
			{
				"steps": [
					{
						"id": "b"
					},
					{
						"id": "c"
					}
				]
			}
		],
		"concurrency": 2,
		"undo": {
			"batch": 1,
			"parallel": 1
		}
	},
	"seed": 42,
	"takes": 1000000000,
	"faults": {
		"CrashBeforeAct": 0.1,
		"DeployFails": 0.25
	},
	"happenings": [
		{
			"at": 60000000000,
			"verb": {
				"at": "0001-01-01T00:00:00Z",
				"kind": "pause",
				"reason": "'quoted'"
			}
		}
	]
}`
	var scenario simulate.Scenario
	require.NoError(t, json.Unmarshal([]byte(data), &scenario))
	trace, err := scenario.Run()
	require.NoError(t, err, simulate.Story(trace))
}
