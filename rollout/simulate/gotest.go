package simulate

import (
	"encoding/json"
	"fmt"
	"go/format"
	"strings"
)

// GoTest returns a test of the scenario, as a file to paste into a package of tests.
func GoTest(sc Scenario) string {
	data, err := json.MarshalIndent(sc, "", "\t")
	if err != nil {
		data = []byte(fmt.Sprintf("the scenario cannot be written: %v", err))
	}
	quoted := "`" + strings.ReplaceAll(string(data), "`", "'") + "`"
	src := fmt.Sprintf(`package simulate_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/rollout/simulate"
)

func TestSeed%d(t *testing.T) {
	const data = %s
	var scenario simulate.Scenario
	require.NoError(t, json.Unmarshal([]byte(data), &scenario))
	trace, err := scenario.Run()
	require.NoError(t, err, simulate.Story(trace))
}
`, sc.Seed, quoted)
	if pretty, err := format.Source([]byte(src)); err == nil {
		return string(pretty)
	}
	return src
}
