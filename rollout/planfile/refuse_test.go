//go:build unix

package planfile_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/tidegate-go/tidegate/rollout/planfile"
)

func TestAFileThatIsTooLongIsRefusedUnread(t *testing.T) {
	_, err := planfile.Decode("p.yaml", bytes.Repeat([]byte("#\n"), planfile.MaxSize), planfile.Options{})
	require.EqualError(t, err, "p.yaml:1: is longer than 4 MiB: is this a plan? A large fleet goes into a file of its own, named as targets: {file: fleet.txt}")
}

// What has a fault in every line must not take for ever, nor fill the screen.
func TestAFileOfFaultsIsRefusedSoon(t *testing.T) {
	var b strings.Builder
	for i := range 100_000 {
		fmt.Fprintf(&b, "field-number-%d: x\n", i)
	}
	begun := time.Now()
	_, err := planfile.Decode("p.yaml", []byte(b.String()), planfile.Options{})
	require.Error(t, err)
	require.Less(t, time.Since(begun), 20*time.Second)
	var all *planfile.Error
	require.ErrorAs(t, err, &all)
	require.Greater(t, len(all.Faults), 100_000)
	require.Less(t, strings.Count(err.Error(), "\n"), 200)
	require.Contains(t, err.Error(), "\nand ")
}

func TestAFleetOfManyTargetsIsRead(t *testing.T) {
	var b strings.Builder
	b.WriteString(head)
	b.WriteString("targets:\n")
	for i := range 50_000 {
		fmt.Fprintf(&b, "  - {name: host-%d, labels: {zone: z%d}}\n", i, i%3)
	}
	f, err := planfile.Decode("p.yaml", []byte(b.String()), planfile.Options{})
	require.NoError(t, err)
	require.Len(t, f.Plan.Targets, 50_000)
}

// head is a plan without its targets.
const head = `
name: p
release: {service: shop, from: v1, to: v2}
deployer: {exec: {deploy: ["true", "{target}"]}}
waves: one-then-double
gate: {checks: [{name: up, source: {command-value: ["true"]}, judge: {above: 1}}]}
`

func TestOnlyWhatDecodeHasMadeIsEncoded(t *testing.T) {
	_, err := planfile.Encode(&planfile.File{})
	require.Error(t, err)
	_, err = planfile.Encode(nil)
	require.Error(t, err)
}
