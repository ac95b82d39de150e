package planfile

import (
	"github.com/tidegate-go/tidegate/analysis"
)

func standardJudges() map[string]func(*Section) analysis.Judge {
	return map[string]func(*Section) analysis.Judge{
		"above":        above,
		"below":        below,
		"within":       threshold,
		"not-worse":    notWorse,
		"burn-rate":    burnRate,
		"trend":        trend,
		"sample-ratio": sampleRatio,
		"per-slice":    perSlice,
		"all-of":       allOf,
	}
}

func above(s *Section) analysis.Judge {
	s.Short("limit")
	s.Need("limit")
	s.As("limit", "Min")
	j := tolerance(s)
	j.Min = s.Figure("limit")
	return j
}

func below(s *Section) analysis.Judge {
	s.Short("limit")
	s.Need("limit")
	s.As("limit", "Max")
	j := tolerance(s)
	j.Max = s.Figure("limit")
	return j
}

func threshold(s *Section) analysis.Judge {
	s.Need("min", "max")
	j := tolerance(s)
	j.Min, j.Max = s.Figure("min"), s.Figure("max")
	return j
}

// tolerance reads what all judges with fixed limits have in common.
func tolerance(s *Section) analysis.Threshold {
	return analysis.Threshold{
		Failures: s.Count("failures", 0), Consecutive: s.Flag("consecutive"), MinSamples: uint64(s.Count("min-samples", 1)),
		Errors: s.Count("errors", 1), Inconclusive: s.Count("inconclusive", 1), CanaryOnly: s.Flag("canary-only"),
	}
}

func notWorse(s *Section) analysis.Judge {
	return analysis.NotWorse{
		Detect: factor(s, "detect"), Tolerate: factor(s, "tolerate"), Negligible: s.ShareOrNone("negligible"),
		Alpha: s.Share("alpha"), Beta: s.Share("beta"), Horizon: s.Count("horizon", 1), LowerIsWorse: s.Flag("lower-is-worse"),
	}
}

// factor reads how many times worse something is.
func factor(s *Section, field string) float64 {
	v := s.Number(field)
	if s.Has(field) && v < 1 {
		s.Fault(field, "want how many times worse: 1 or more, such as 2")
	}
	return v
}

func burnRate(s *Section) analysis.Judge {
	s.Short("objective")
	s.Need("objective")
	j := analysis.BurnRate{Objective: s.Share("objective")}
	for _, w := range s.Sections("windows") {
		w.Need("factor", "long", "short")
		j.Windows = append(j.Windows, analysis.BurnWindow{Factor: w.Number("factor"), Long: w.Duration("long"), Short: w.Duration("short")})
	}
	j.MinSamples = uint64(s.Count("min-samples", 1))
	j.Alpha, j.Beta = s.Share("alpha"), s.Share("beta")
	return j
}

func trend(s *Section) analysis.Judge {
	return analysis.Trend{Min: s.Figure("min"), Max: s.Figure("max"), Within: s.Duration("within"), Points: s.Count("points", 1)}
}

func sampleRatio(s *Section) analysis.Judge {
	return analysis.SampleRatio{
		Share: s.Share("share"), Tolerance: s.Share("tolerance"), Samples: uint64(s.Count("samples", 1)), Alpha: s.Share("alpha"),
	}
}

func perSlice(s *Section) analysis.Judge {
	s.Need("judge")
	return analysis.PerSlice{
		Judge: s.Judge("judge"), Each: s.Flag("each"), Most: s.Count("most", 1), Alpha: s.Share("alpha"), Beta: s.Share("beta"),
	}
}

func allOf(s *Section) analysis.Judge {
	s.Short("judges")
	s.Need("judges")
	return analysis.AllOf(kinds[analysis.Judge](s.doc.opts.Registry.Judges).list(s, "judges", "judge"))
}
