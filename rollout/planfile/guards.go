package planfile

import (
	"slices"
	"time"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/guardrails"
)

// standardGuards has the guards that are data. Those that need code of the user's are for
// programs that register them.
func standardGuards() map[string]func(*Section) guardrails.Guard {
	return map[string]func(*Section) guardrails.Guard{
		"max-exposure": maxExposure,
		"domains":      domains,
		"domain-gap": func(s *Section) guardrails.Guard {
			s.Need("label", "gap")
			return &guardrails.DomainGap{Label: s.Text("label"), Gap: s.Duration("gap")}
		},
		"calendar":    calendar,
		"kill-switch": killSwitch,
		"fence": func(s *Section) guardrails.Guard {
			s.Need("max-age")
			return guardrails.Fence{MaxAge: s.Duration("max-age")}
		},
		"no-incident":  noIncident,
		"dead-man":     deadMan,
		"metric":       metricGuard,
		"min-healthy":  minHealthy,
		"drift":        drift,
		"converged":    converged,
		"rate":         rate,
		"breaker":      breaker,
		"approval":     approval,
		"error-budget": errorBudget,
		"validator":    validator,
		"taste":        taste,
		"max-diff":     maxDiff,
	}
}

func maxExposure(s *Section) guardrails.Guard {
	s.Short("percent")
	return guardrails.MaxExposure{Percent: s.Percent("percent"), Count: s.Count("count", 1), PerLabel: s.Text("per-label")}
}

func domains(s *Section) guardrails.Guard {
	s.Need("label")
	g := guardrails.Domains{Label: s.Text("label")}
	for _, one := range s.Sections("pairs") {
		one.Need("region")
		g.Pairs = append(g.Pairs, [2]string{one.Text("region"), one.Text("partner")})
	}
	g.ZoneLabel = s.Text("zone-label")
	for _, one := range s.Sections("zones") {
		one.Need("region", "zones")
		if g.Zones == nil {
			g.Zones = make(map[string][]string)
		}
		region := one.Text("region")
		if _, twice := g.Zones[region]; twice {
			one.Fault("region", "%s is there twice", brief(region))
		}
		g.Zones[region] = one.Texts("zones")
	}
	return g
}

func calendar(s *Section) guardrails.Guard {
	c := &guardrails.Calendar{
		Open: windows(s, "open"), Frozen: windows(s, "frozen"),
		OpenFile: s.Path("open-file"), FrozenFile: s.Path("frozen-file"), Zone: s.Text("zone"), MustFit: s.Flag("must-fit"),
	}
	return c
}

func windows(s *Section, field string) (all []guardrails.Window) {
	for _, one := range s.Sections(field) {
		all = append(all, guardrails.Window{
			Name: one.Text("name"), From: one.Time("from"), To: one.Time("to"),
			Days: weekdays(one), Begin: one.Text("begin"), End: one.Text("end"), Zone: one.Text("zone"),
		})
	}
	return all
}

func weekdays(s *Section) (all []time.Weekday) {
	words := []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}
	for i, word := range s.Texts("days") {
		day := slices.Index(words, word)
		if day < 0 {
			s.Fault("days", "the one at %d, %s, is no day: want some of mon, tue, wed, thu, fri, sat, sun", i+1, brief(word))
			continue
		}
		all = append(all, time.Weekday(day))
	}
	return all
}

func killSwitch(s *Section) guardrails.Guard {
	s.Short("file")
	k := &guardrails.KillSwitch{}
	if file := s.Path("file"); file != "" {
		k.Sources = append(k.Sources, guardrails.File(file))
		s.doc.found.killFiles = append(s.doc.found.killFiles, file)
	}
	for _, url := range s.TextOrTexts("url") {
		k.Sources = append(k.Sources, guardrails.HTTP(url))
	}
	for _, env := range s.TextOrTexts("env") {
		k.Sources = append(k.Sources, guardrails.Env(env))
	}
	wordOf(s, "mode", &k.Mode, "halt", "rollback")
	k.Grace, k.Every, k.FailOpen = s.Duration("grace"), s.Duration("every"), s.Text("fail-open")
	if s.Here() && len(k.Sources) == 0 {
		s.Fault("", "nobody could trip it: give it a file, a url or an env")
	}
	return k
}

func noIncident(s *Section) guardrails.Guard {
	g := &guardrails.NoIncident{Every: s.Duration("every")}
	for _, url := range s.TextOrTexts("url") {
		g.Sources = append(g.Sources, guardrails.IncidentURL(url))
	}
	if file := s.Path("file"); file != "" {
		g.Sources = append(g.Sources, guardrails.File(file))
	}
	return g
}

func deadMan(s *Section) guardrails.Guard {
	s.OneOf("file", "url")
	g := &guardrails.DeadMan{Within: s.Duration("within")}
	file, url := s.Path("file"), s.Text("url")
	if file != "" {
		g.Source = guardrails.BeatFile(file)
	} else {
		g.Source = guardrails.BeatURL(url)
	}
	wordOf(s, "then", &g.Then, "hold", "rollback", "halt")
	return g
}

// metricGuard looks at the fleet as a whole, whichever version a target runs: which of
// them run the new one is for the checks of a gate.
func metricGuard(s *Section) guardrails.Guard {
	s.Need("name", "source", "judge")
	g := &guardrails.Metric{Every: s.Duration("every"), Grace: s.Duration("grace")}
	g.Of = analysis.Check{
		Name: s.Text("name"), Source: s.Source("source"),
		Judge: s.Judge("judge"), Timeout: s.Duration("timeout"),
	}
	var all []analysis.Member
	for _, t := range s.doc.found.targets {
		all = append(all, analysis.Member{Name: t.Name, Labels: t.Labels, Weight: t.Weight})
	}
	g.Arms = func(act guardrails.Action) (canary, baseline analysis.Arm) {
		if len(all) == 0 { // traffic is shifted: there is the service alone
			return analysis.Arm{Version: act.To, Members: []analysis.Member{{Name: act.Service}}}, baseline
		}
		return analysis.Arm{Version: act.To, Members: all}, baseline
	}
	s.As("source", "Of.Source")
	s.As("judge", "Of.Judge")
	s.As("name", "Of.Name")
	s.As("timeout", "Of.Timeout")
	if s.Word("no-data", "hold", "abstain") == "abstain" {
		g.Of.NoData = analysis.AbstainOnNoData
	}
	wordOf(s, "on-fail", &g.OnFail, "rollback", "halt")
	return g
}
