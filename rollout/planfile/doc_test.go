//go:build unix

package planfile_test

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/tidegate-go/tidegate/rollout/planfile"
)

// documented is the plan in the package's documentation.
func documented(t testing.TB) []byte {
	t.Helper()
	doc, err := os.ReadFile("doc.go")
	require.NoError(t, err)
	_, rest, found := strings.Cut(string(doc), "// # A plan\n//\n")
	require.True(t, found)
	plan, _, found := strings.Cut(rest, "//\n// # What")
	require.True(t, found)
	var lines []string
	for line := range strings.SplitSeq(plan, "\n") {
		lines = append(lines, strings.TrimPrefix(strings.TrimPrefix(line, "//"), "\t"))
	}
	return []byte(strings.Join(lines, "\n"))
}

func TestThePlanOfTheDocumentationIsOne(t *testing.T) {
	f, err := planfile.Decode("testdata/good/plan.yaml", documented(t), planfile.Options{Vars: map[string]string{"version": "v42"}})
	require.NoError(t, err)
	require.Equal(t, "checkout-v42", f.Plan.Name)
	require.Equal(t, "v42", f.Plan.Release.To)
	require.Len(t, f.Plan.Targets, 4)
	require.NotNil(t, f.Deployer)
	require.Len(t, f.Plan.Guards, 3)
	require.Equal(t, "/var/lib/tidegate", f.Runner.Journal)
	require.Equal(t, []string{"/run/checkout.stop"}, f.Runner.KillFiles)
	out, err := planfile.Encode(f)
	require.NoError(t, err)
	t.Logf("%s", out)
}
