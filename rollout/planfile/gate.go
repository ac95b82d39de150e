package planfile

import (
	"github.com/tidegate-go/tidegate/analysis"
)

// gate reads a gate, whose checks make it one.
func gate(s *Section) (g analysis.Gate) {
	s.Need("checks")
	g.Bake = bake(s.Section("bake"))
	g.Interval = s.Duration("interval")
	wordOf(s, "on-deadline", &g.OnDeadline, "roll-back", "wait")
	g.Alpha, g.Beta = s.Share("alpha"), s.Share("beta")
	g.Compare = s.DurationOrNone("compare")
	g.PassScore = s.Percent("pass-score")
	g.IfBurning = kinds[analysis.Burning]{
		"block": func(*Section) analysis.Burning { return analysis.Block() },
		"fix-forward": func(s *Section) analysis.Burning {
			s.Short("because")
			s.Need("because")
			return analysis.FixForward(s.Text("because"))
		},
		"disarm": func(s *Section) analysis.Burning {
			s.Need("because", "until")
			return analysis.Disarm(s.Text("because"), s.Time("until"))
		},
	}.one(s, "if-burning", "answer to a service in trouble")
	g.NoPreflight = s.Text("no-preflight")
	for _, one := range s.Sections("checks") {
		one.Need("name", "source", "judge")
		g.Checks = append(g.Checks, check(one))
	}
	return g
}

func bake(s *Section) analysis.Bake {
	s.Short("at-least")
	return analysis.Bake{
		AtLeast: s.Duration("at-least"), AtMost: s.Duration("at-most"), Samples: uint64(s.Count("samples", 1)),
	}
}

func check(s *Section) (c analysis.Check) {
	c.Name = s.Text("name")
	c.Source = s.Source("source")
	c.Judge = s.Judge("judge")
	c.Critical, c.Shadow = s.Flag("critical"), s.Flag("shadow")
	if s.Has("weight") {
		if c.Weight = s.Number("weight"); c.Weight <= 0 {
			s.Fault("weight", "want more than 0; shadow: true is for a check without effect")
		}
	}
	c.Window, c.Slow, c.Timeout = s.Duration("window"), s.Duration("slow"), s.Duration("timeout")
	wordOf(s, "no-data", &c.NoData, "hold", "fail", "abstain")
	c.NoDataAfter = s.Count("no-data-after", 1)
	return c
}

// Source reads a source of any kind that is registered.
func (s *Section) Source(field string) analysis.Source {
	return kinds[analysis.Source](s.doc.opts.Registry.Sources).one(s, field, "source")
}

// Judge reads a judge of any kind that is registered.
func (s *Section) Judge(field string) analysis.Judge {
	return kinds[analysis.Judge](s.doc.opts.Registry.Judges).one(s, field, "judge")
}
