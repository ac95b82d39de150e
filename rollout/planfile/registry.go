package planfile

import (
	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/guardrails"
	"github.com/tidegate-go/tidegate/rollout"
)

// Registry says what may stand in a file by name, and how each is made of its fields.
// A program adds its own:
//
//	known := planfile.Standard()
//	known.Guards["load-below"] = func(s *planfile.Section) guardrails.Guard { … }
//
// so that a file can have
//
//	guards:
//	  - load-below: {url: http://…, most: 80%}
type Registry struct {
	Sources   map[string]func(*Section) analysis.Source
	Judges    map[string]func(*Section) analysis.Judge
	Guards    map[string]func(*Section) guardrails.Guard
	Deployers map[string]func(*Section) rollout.Deployer
	// Shifters are for waves that shift traffic.
	Shifters map[string]func(*Section) rollout.Shifter
}

// Standard returns what tidegate has itself. It is the caller's to add to.
func Standard() Registry {
	return Registry{
		Sources:   standardSources(),
		Judges:    standardJudges(),
		Guards:    standardGuards(),
		Deployers: map[string]func(*Section) rollout.Deployer{"exec": execDeployer},
		Shifters:  map[string]func(*Section) rollout.Shifter{"exec": execShifter},
	}
}

// isZero tells whether nothing is registered at all.
func (r Registry) isZero() bool {
	return r.Sources == nil && r.Judges == nil && r.Guards == nil && r.Deployers == nil && r.Shifters == nil
}
