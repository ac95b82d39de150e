package planfile

import (
	"fmt"
	"strings"

	"github.com/tidegate-go/tidegate/rollout"
	"go.yaml.in/yaml/v3"
)

// waves reads how the fleet is split: by a rule, or wave by wave.
func waves(s *Section) rollout.Waves {
	if n := s.value("waves"); n != nil && n.Kind == yaml.SequenceNode {
		return listedWaves(s)
	}
	return kinds[rollout.Waves]{
		"percent":         func(s *Section) rollout.Waves { return rollout.Percent(percents(s, "percents")...) },
		"counts":          countedWaves,
		"by-label":        labelledWaves,
		"one-then-double": func(*Section) rollout.Waves { return rollout.OneThenDouble() },
		"traffic":         trafficWaves,
		"preset":          presetWaves,
	}.one(s, "waves", "way to make waves")
}

// percents reads a list of percentages, which may stand for the whole section.
func percents(s *Section, field string) (all []float64) {
	s.Short(field)
	s.Need(field)
	for i, n := range s.list(field) {
		path := fmt.Sprintf("%s[%d]", s.at(field), i)
		text, ok := s.scalar(n, path, "a percentage, such as 5%")
		if !ok {
			continue
		}
		percent, _, err := percentage(text, 100)
		if err != nil {
			s.fault(n, path, "%v", err)
			continue
		}
		all = append(all, percent)
	}
	if all != nil {
		s.write(field, func() *yaml.Node {
			texts := make([]string, len(all))
			for i, p := range all {
				texts[i] = formatPercent(p)
			}
			return textsNode(texts)
		})
	}
	return all
}

// countedWaves reads waves of so many targets each.
func countedWaves(s *Section) rollout.Waves {
	s.Short("sizes")
	s.Need("sizes")
	var sizes []int
	for i, n := range s.list("sizes") {
		path := fmt.Sprintf("%s[%d]", s.at("sizes"), i)
		text, ok := s.scalar(n, path, "a number of targets")
		if !ok {
			continue
		}
		size, _, err := count(text, 1)
		if err != nil {
			s.fault(n, path, "%v", err)
			continue
		}
		sizes = append(sizes, size)
	}
	if sizes != nil {
		s.write("sizes", func() *yaml.Node {
			out := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Style: yaml.FlowStyle}
			for _, n := range sizes {
				out.Content = append(out.Content, scalarNode(fmt.Sprint(n)))
			}
			return out
		})
	}
	return rollout.Counts(sizes...)
}

func labelledWaves(s *Section) rollout.Waves {
	s.Short("label")
	s.Need("label")
	return rollout.ByLabel(s.Text("label"), s.Texts("first")...)
}

func trafficWaves(s *Section) rollout.Waves {
	s.Need("percents", "shift")
	steps := percents(s, "percents")
	s.Short("") // a list alone would not say what shifts
	shifter := kinds[rollout.Shifter](s.doc.opts.Registry.Shifters).one(s, "shift", "shifter")
	if s.doc.found.targets != nil {
		s.Fault("", "shifts traffic, and the plan has targets as well: leave those out")
	}
	return rollout.Traffic(shifter, steps...)
}

// listedWave is one wave of a list.
type listedWave struct {
	section *Section
	percent float64
	count   int
	targets []string
	labels  map[string]string
	wave    rollout.Wave // what it has besides its targets
}

// ways are how a wave of a list can say what is in it.
var ways = [...]string{"percent", "count", "targets", "labels"}

// listedWaves reads waves that are listed. All say in the same way what is in them, since
// percentages are of all that has the release by then, and the others of the wave alone.
func listedWaves(s *Section) rollout.Waves {
	var all []listedWave
	way := ""
	for _, one := range s.Sections("waves") {
		one.OneOf(ways[:]...)
		for _, w := range ways {
			if !one.Has(w) {
				continue
			}
			if way == "" {
				way = w
			}
			if w != way {
				one.Fault(w, "the waves before it say %s: want the same of all waves of a list", way)
			}
		}
		l := listedWave{
			section: one, percent: one.Percent("percent"), count: one.Count("count", 1),
			targets: one.Texts("targets"), labels: one.Labels("labels"),
		}
		l.wave.Approval = one.Flag("approval")
		l.wave.Ungated = one.Text("ungated")
		if sub := one.Section("gate"); sub.Here() {
			g := gate(sub)
			l.wave.Gate = &g
			if l.wave.Ungated != "" {
				one.Fault("ungated", "the wave has a gate as well")
			}
		}
		all = append(all, l)
	}
	if len(all) == 0 {
		return nil
	}
	return rollout.WavesFunc(func(fleet []rollout.Target) ([]rollout.Wave, error) { return split(all, way, fleet) })
}

// split makes the waves of a list.
func split(all []listedWave, way string, fleet []rollout.Target) (waves []rollout.Wave, err error) {
	switch way {
	case "percent", "count":
		if waves, err = sized(all, way, fleet); err != nil {
			return nil, err
		}
	case "targets":
		waves, err = named(all, fleet)
	default:
		waves, err = picked(all, fleet)
	}
	if err != nil {
		return nil, err
	}
	for i := range waves {
		if i < len(all) {
			targets := waves[i].Targets
			waves[i] = all[i].wave
			waves[i].Targets = targets
		}
	}
	return waves, nil
}

// sized makes waves by their size. Which wave has which settings must not depend on
// rounding, so a fleet that is too small for all of them is refused.
func sized(all []listedWave, way string, fleet []rollout.Target) ([]rollout.Wave, error) {
	percents, counts := make([]float64, len(all)), make([]int, len(all))
	for i, l := range all {
		percents[i], counts[i] = l.percent, l.count
	}
	rule := rollout.Percent(percents...)
	if way == "count" {
		rule = rollout.Counts(counts...)
	}
	n := len(fleet)
	waves, err := rule.Split(fleet)
	switch {
	case err != nil:
		return nil, err
	case len(waves) < len(all):
		return nil, fmt.Errorf("the list has %d waves, and %d targets are enough for %d of them: take waves out of it, or write {%s: […]}, which leaves out those without a target", len(all), n, len(waves), plural(way))
	case len(waves) > len(all):
		return nil, fmt.Errorf("the waves of the list have %d of the %d targets: want a wave with the others", total(counts), n)
	}
	return waves, nil
}

func plural(way string) string { return strings.Replace(way, "count", "counts", 1) }

func total(counts []int) (sum int) {
	for _, n := range counts {
		sum += n
	}
	return sum
}

// named makes waves of the targets that they name.
func named(all []listedWave, fleet []rollout.Target) ([]rollout.Wave, error) {
	known := make(map[string]rollout.Target, len(fleet))
	for _, t := range fleet {
		known[t.Name] = t
	}
	waves := make([]rollout.Wave, len(all))
	for i, l := range all {
		for _, name := range l.targets {
			t, ok := known[name]
			if !ok {
				return nil, fmt.Errorf("wave %d has the target %s, which is not in the fleet", i+1, brief(name))
			}
			waves[i].Targets = append(waves[i].Targets, t)
		}
	}
	return waves, nil
}

// picked makes waves of the targets that have the labels: of the first that fits.
func picked(all []listedWave, fleet []rollout.Target) ([]rollout.Wave, error) {
	waves := make([]rollout.Wave, len(all))
	for _, t := range fleet {
		if i := pick(all, t); i >= 0 {
			waves[i].Targets = append(waves[i].Targets, t)
		}
	}
	return waves, nil
}

func pick(all []listedWave, t rollout.Target) int {
	for i, l := range all {
		fits := true
		for name, value := range l.labels {
			fits = fits && t.Labels[name] == value
		}
		if fits {
			return i
		}
	}
	return -1
}
