//go:build unix

package planfile_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/tidegate-go/tidegate/rollout/planfile"
	"go.yaml.in/yaml/v3"
	"pgregory.net/rapid"
)

// Any plan, written as YAML or as JSON, is the same plan, and written by Encode it stays
// the same to the byte.
func TestEncodeOfDecodeIsStable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		plan := anyPlan(t)
		asYAML, err := yaml.Marshal(plan)
		require.NoError(t, err)
		asJSON, err := json.Marshal(plan)
		require.NoError(t, err)
		opts := planfile.Options{}
		first, err := planfile.Decode("testdata/good/p.yaml", asYAML, opts)
		require.NoError(t, err, "%s", asYAML)
		second, err := planfile.Decode("testdata/good/p.yaml", asJSON, opts)
		require.NoError(t, err, "%s", asJSON)
		out, err := planfile.Encode(first)
		require.NoError(t, err)
		same, err := planfile.Encode(second)
		require.NoError(t, err)
		require.Equal(t, string(out), string(same))
		again, err := planfile.Decode("testdata/good/p.yaml", out, opts)
		require.NoError(t, err, "%s", out)
		twice, err := planfile.Encode(again)
		require.NoError(t, err)
		require.Equal(t, string(out), string(twice))
		require.Equal(t, first.Plan.Release, again.Plan.Release)
		require.Equal(t, first.Plan.Targets, again.Plan.Targets)
		require.Equal(t, first.Plan.Gate.Bake, again.Plan.Gate.Bake)
		h1, err := first.Plan.Hash()
		require.NoError(t, err)
		h2, err := again.Plan.Hash()
		require.NoError(t, err)
		require.Equal(t, h1, h2)
	})
}

type fields map[string]any

// anyPlan draws a plan that is valid.
func anyPlan(t *rapid.T) fields {
	n := rapid.IntRange(2, 12).Draw(t, "targets")
	plan := fields{
		"name": rapid.StringMatching(`[A-Za-z0-9][A-Za-z0-9._-]{0,20}`).Draw(t, "name"),
		"release": fields{
			"service": anyText(t), "from": rapid.StringMatching(`[0-9]{1,4}\.[0-9]{1,3}|0x[0-9a-f]{2}|v[0-9]+e[0-9]`).Draw(t, "from"), "to": "v2",
			"sequence": rapid.Uint64().Draw(t, "sequence"),
		},
		"targets":  anyFleet(t, n),
		"deployer": fields{"exec": fields{"deploy": []string{"true", "{target}", anyText(t)}, "shell": false}},
		"waves":    anyWaves(t, n),
		"gate":     anyGate(t),
	}
	maybe(t, plan, "concurrency", rapid.IntRange(1, 99))
	maybe(t, plan, "step-timeout", anyDuration())
	maybe(t, plan, "hold-at-most", anyDuration())
	maybe(t, plan, "on-failure", rapid.SampledFrom([]string{"take-back", "freeze"}))
	maybe(t, plan, "locks", rapid.SampledFrom([]any{"db", []string{"db", "1.0"}}))
	maybe(t, plan, "guards", rapid.SliceOfN(rapid.SampledFrom([]any{
		fields{"max-exposure": "100%"}, fields{"fence": fields{"max-age": "24h"}}, fields{"kill-switch": fields{"env": "STOP", "mode": "halt"}},
		fields{"domain-gap": fields{"label": "zone", "gap": "90m"}},
	}), 1, 4))
	maybe(t, plan, "rollback", rapid.Custom(func(t *rapid.T) fields {
		back := fields{"batch": fmt.Sprintf("%d.%d%%", rapid.IntRange(1, 99).Draw(t, "batch"), rapid.IntRange(0, 999).Draw(t, "part"))}
		maybe(t, back, "jitter", rapid.SampledFrom([]string{"none", "3s"}))
		maybe(t, back, "revert-window", anyDuration())
		maybe(t, back, "rehearse", rapid.Bool())
		maybe(t, back, "page", rapid.Just([]string{"true", "{message}"}))
		return back
	}))
	return plan
}

func anyFleet(t *rapid.T, n int) (fleet []any) {
	for i := range n {
		name := fmt.Sprintf("host-%d", i)
		if rapid.Bool().Draw(t, "short") {
			fleet = append(fleet, name)
			continue
		}
		one := fields{"name": name}
		maybe(t, one, "weight", rapid.IntRange(1, 1000))
		maybe(t, one, "tier", rapid.IntRange(-3, 3))
		maybe(t, one, "labels", rapid.MapOfN(rapid.SampledFrom([]string{"zone", "1", "yes", "a b"}), rapid.Custom(anyText), 1, 3))
		fleet = append(fleet, one)
	}
	return fleet
}

func anyWaves(t *rapid.T, n int) any {
	return rapid.SampledFrom([]any{
		"one-then-double",
		fields{"percent": []string{"1%", "50.5%", "100%"}},
		fields{"counts": []int{1}},
		fields{"preset": "one-box-then-double"},
		[]any{fields{"count": 1, "approval": true}, fields{"count": n - 1, "ungated": anyText(t)}},
	}).Draw(t, "waves")
}

func anyGate(t *rapid.T) fields {
	gate := fields{"checks": []any{fields{
		"name": anyText(t), "source": fields{"command-value": []string{"true", anyText(t)}},
		"judge": rapid.SampledFrom([]any{
			"not-worse", fields{"above": "99.9%"}, fields{"below": 0.25}, fields{"within": fields{"min": -1, "max": "5%"}},
			fields{"per-slice": fields{"judge": "not-worse"}}, fields{"all-of": []any{"not-worse", fields{"burn-rate": "99%"}}},
		}).Draw(t, "judge"),
	}}}
	maybe(t, gate, "bake", rapid.SampledFrom([]any{"1m", fields{"at-least": "90s", "at-most": "2d", "samples": 7}}))
	maybe(t, gate, "alpha", rapid.SampledFrom([]string{"0.1%", "1%", "7.7%"}))
	maybe(t, gate, "on-deadline", rapid.SampledFrom([]string{"wait", "roll-back"}))
	maybe(t, gate, "no-preflight", rapid.Custom(anyText))
	return gate
}

// anyText draws a text that YAML, or the variables, could take for something else.
func anyText(t *rapid.T) string {
	odd := []string{"true", "null", "~", "off", "1e3", "12:30", "- a", "a: b", "#", " x ", "'", "\"", "$${x}", "$$", "é\u2028", "a\nb\n", "\ta", "{target}", "<<", "|", "2026-01-01", "=", "\U0001F600"}
	return rapid.OneOf(rapid.SampledFrom(odd), rapid.StringMatching(`[a-z :#'"-]{1,12}`)).Draw(t, "text")
}

func anyDuration() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		return fmt.Sprintf("%d%s", rapid.IntRange(1, 5000).Draw(t, "n"), rapid.SampledFrom([]string{"ms", "s", "m", "h", "d", "m7s", "h1ms"}).Draw(t, "unit"))
	})
}

func maybe[T any](t *rapid.T, in fields, field string, value *rapid.Generator[T]) {
	if rapid.Bool().Draw(t, "has "+field) {
		in[field] = value.Draw(t, field)
	}
}
