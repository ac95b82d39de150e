package analysis_test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/analysis"
)

// problems collects what a gate or a judge says is wrong with it.
func problems(p analysis.Problemer) map[string]string {
	found := map[string]string{}
	p.Problems(func(path, msg string) { found[path] += msg })
	return found
}

// gate returns one without problems, changed.
func gate(change func(*analysis.Gate)) analysis.Gate {
	g := analysis.Gate{
		Bake: analysis.Bake{AtLeast: 5 * time.Minute, AtMost: time.Hour},
		Checks: []analysis.Check{
			{Name: "errors", Source: analysis.SourceFunc(nil), Judge: analysis.NotWorse{}},
			{Name: "sales", Source: analysis.SourceFunc(nil), Judge: analysis.Above(0.95)},
		},
	}
	if change != nil {
		change(&g)
	}
	return g
}

func TestGateDefaults(t *testing.T) {
	require.True(t, analysis.Gate{}.IsZero())
	require.False(t, gate(nil).IsZero())
	require.Equal(t, 10*time.Second, analysis.Gate{}.Every())
	require.Equal(t, time.Minute, analysis.Gate{Interval: time.Minute}.Every())
	require.Equal(t, time.Hour, analysis.Gate{}.Deadline())
	require.Equal(t, 6*time.Hour, analysis.Gate{Bake: analysis.Bake{AtLeast: 3 * time.Hour}}.Deadline())
	require.Equal(t, 4*time.Hour, analysis.Gate{Bake: analysis.Bake{AtLeast: 3 * time.Hour, AtMost: 4 * time.Hour}}.Deadline())
}

func TestGateProblems(t *testing.T) {
	require.Empty(t, problems(gate(nil)))
	require.Empty(t, problems(gate(func(g *analysis.Gate) {
		g.Interval, g.Checks[0].Window, g.Checks[1].Window = time.Minute, time.Minute, 5*time.Minute
	})))
	for path, change := range map[string]func(*analysis.Gate){
		"Bake.AtLeast":           func(g *analysis.Gate) { g.Bake.AtLeast = -1 },
		"Bake.AtMost":            func(g *analysis.Gate) { g.Bake.AtMost = time.Minute },
		"Interval":               func(g *analysis.Gate) { g.Interval = 2 * time.Hour },
		"Alpha":                  func(g *analysis.Gate) { g.Alpha = 0.5 },
		"Beta":                   func(g *analysis.Gate) { g.Beta = math.NaN() },
		"OnDeadline":             func(g *analysis.Gate) { g.OnDeadline = 7 },
		"Checks":                 func(g *analysis.Gate) { g.Checks = nil },
		"Checks[0].Name":         func(g *analysis.Gate) { g.Checks[0].Name = "" },
		"Checks[1].Name":         func(g *analysis.Gate) { g.Checks[1].Name = "errors" },
		"Checks[0].Source":       func(g *analysis.Gate) { g.Checks[0].Source = nil },
		"Checks[0].Judge":        func(g *analysis.Gate) { g.Checks[0].Judge = nil },
		"Checks[0].Judge.Detect": func(g *analysis.Gate) { g.Checks[0].Judge = analysis.NotWorse{Detect: 1} },
		"Checks[1].Judge.Min":    func(g *analysis.Gate) { g.Checks[1].Judge = analysis.Threshold{} },
		"Checks[0]":              func(g *analysis.Gate) { g.Checks[0].Timeout = -1 },
		"Checks[1].Window":       func(g *analysis.Gate) { g.Checks[1].Window = 6 * time.Minute },
		"Checks[0].Window":       func(g *analysis.Gate) { g.Checks[0].Window = time.Minute },
	} {
		t.Run(path, func(t *testing.T) {
			changed := gate(func(g *analysis.Gate) { g.Checks = append([]analysis.Check(nil), g.Checks...); change(g) })
			require.Contains(t, problems(changed), path)
		})
	}
	all := problems(gate(func(g *analysis.Gate) { g.Checks[0].Shadow, g.Checks[1].Shadow = true, true }))
	require.Equal(t, map[string]string{"Checks": "all 2 checks are Shadow, so the gate could pass nothing"}, all)
}
