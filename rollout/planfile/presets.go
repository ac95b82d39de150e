package planfile

import (
	"maps"
	"slices"
	"time"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/rollout"
)

// preset is a way to make waves that goes by a name.
type preset struct {
	waves rollout.Waves
	// bake is the shortest bake, unless the gate has one of its own.
	bake time.Duration
	// bigBang says that it needs a reason.
	bigBang bool
}

func presets() map[string]preset {
	return map[string]preset{
		"one-box-then-double":            {waves: rollout.OneThenDouble()},
		"canary-10-percent-5-minutes":    {waves: rollout.Percent(10, 100), bake: 5 * time.Minute},
		"linear-10-percent-every-minute": {waves: rollout.Percent(10, 20, 30, 40, 50, 60, 70, 80, 90, 100), bake: time.Minute},
		"all-at-once":                    {waves: rollout.Percent(100), bigBang: true},
	}
}

// presetWaves reads waves that go by a name.
func presetWaves(s *Section) rollout.Waves {
	s.Short("name")
	s.Need("name")
	name, because := s.Text("name"), s.Text("because")
	if name == "" {
		return nil
	}
	p, known := presets()[name]
	switch {
	case !known:
		s.Fault("name", "%s is no preset: %s", brief(name), meant(name, slices.Collect(maps.Keys(presets()))))
	case p.bigBang && because == "":
		s.Fault("name", "exposes the whole fleet before anything is learnt: say why that is right, {name: %s, because: …}", name)
	case !p.bigBang && because != "":
		s.Fault("because", "is for all-at-once alone")
	}
	s.doc.found.bake = bakeOfPreset(p.bake)
	s.doc.found.bigBang = because
	return p.waves
}

// bakeOfPreset is the shortest bake that a preset asks for.
type bakeOfPreset time.Duration

// into gives it to a gate that has none.
func (b bakeOfPreset) into(g *analysis.Gate) {
	if g.Bake.AtLeast == 0 && len(g.Checks) > 0 {
		g.Bake.AtLeast = time.Duration(b)
	}
}
