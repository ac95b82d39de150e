package rollout

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/guardrails"
)

// distinct returns the plan's gates, each once, in the order of their waves.
func (x *explainer) distinct() (gates []*analysis.Gate) {
	for w, g := range x.c.gates {
		if g != nil && x.c.spec.Waves[w].Ungated == "" && !slices.Contains(gates, g) {
			gates = append(gates, g)
		}
	}
	return gates
}

// gateName names the gate behind a wave, from 0: by a letter, since a number would be
// that of a wave.
func (x *explainer) gateName(wave int) string {
	gates := x.distinct()
	if len(gates) == 1 {
		return "the gate"
	}
	return "gate " + letter(slices.Index(gates, x.c.gates[wave]))
}

// letter returns A, B, … Z, A1, B1, …
func letter(n int) string {
	s := string(rune('A' + n%26))
	if n >= 26 {
		s += strconv.Itoa(n / 26)
	}
	return s
}

// gates says what each gate looks at, and what happens at its deadline.
func (x *explainer) gates() {
	for _, g := range x.distinct() {
		var waves []int
		name := ""
		for w := range x.c.gates {
			if x.c.gates[w] == g && x.c.spec.Waves[w].Ungated == "" {
				waves, name = append(waves, w+1), x.gateName(w)
			}
		}
		x.title(fmt.Sprintf("%s, after %s", name, ofWaves(waves)))
		x.gate(g)
		if g.OnDeadline == analysis.WaitAtDeadline {
			x.say("At the deadline without a verdict: it holds for a human, and goes on looking. It never promotes.")
		} else {
			x.say("At the deadline without a verdict: %s. It never promotes.", x.failing())
		}
		x.say("What the rest of the fleet shows just as much is not held against %s: the gate holds until that is over, or a human decides.", x.p.Release.To)
		x.preflight(g)
	}
}

func ofWaves(waves []int) string {
	n := len(waves)
	if first, last := waves[0], waves[n-1]; n > 2 && last-first == n-1 {
		return fmt.Sprintf("waves %d to %d", first, last)
	}
	words := make([]string, n)
	for i, w := range waves {
		words[i] = strconv.Itoa(w)
	}
	if n == 1 {
		return "wave " + words[0]
	}
	return "waves " + list(words)
}

// gate says what one gate looks at.
func (x *explainer) gate(g *analysis.Gate) {
	x.say("It looks every %s%s, and decides after %s at the latest.", span(g.Every()), bake(g), span(g.Deadline()))
	if g.PassScore > 0 {
		x.say("It passes with %s of the weight of all checks, and every critical one.", percent(g.PassScore))
	} else if n := acting(g); n > 1 {
		x.say("All %d checks have to pass, and one that fails is enough to fail it.", n)
	}
	for i := range g.Checks {
		check := &g.Checks[i]
		text := fmt.Sprintf("%s: %s", check.Name, judgeWords(check.Judge))
		if check.Critical {
			text += "; critical"
		}
		if check.Slow > 0 {
			text += fmt.Sprintf("; slow: holds up the last wave only, until it has been watched for %s", span(check.Slow))
		}
		if check.Shadow {
			text += "; shadow: judged and reported, with no effect"
		}
		after := orDefault(check.NoDataAfter, analysis.DefaultNoDataAfter)
		switch check.NoData {
		case analysis.FailOnNoData:
			text += fmt.Sprintf("; without data %d times in a row it fails", after)
		case analysis.AbstainOnNoData:
			text += fmt.Sprintf("; without data %d times in a row it is left out", after)
		default:
			text += "; without data it does not pass"
		}
		x.item("%s.", text)
	}
}

func acting(g *analysis.Gate) (n int) {
	for i := range g.Checks {
		if !g.Checks[i].Shadow {
			n++
		}
	}
	return n
}

func bake(g *analysis.Gate) string {
	var s string
	if g.Bake.AtLeast > 0 {
		s = fmt.Sprintf(", for %s at least", span(g.Bake.AtLeast))
	}
	if g.Bake.Samples > 0 {
		s += fmt.Sprintf(", until it has seen %d requests", g.Bake.Samples)
	}
	return s
}

// preflight says what is asked of a gate before anything is touched.
func (x *explainer) preflight(g *analysis.Gate) {
	if g.NoPreflight != "" {
		x.say("Its checks are not tried before the first wave: %s.", strings.TrimRight(g.NoPreflight, "."))
		return
	}
	burning := "the rollout is refused"
	if !g.IfBurning.Blocks() {
		burning = g.IfBurning.String()
	}
	x.say("Before the first wave each check is tried once: without data the rollout is refused. If one fails already: %s.", burning)
}

// judgeWords says what a judge goes by: in its own words, where it has some.
func judgeWords(j analysis.Judge) string {
	switch j := j.(type) {
	case fmt.Stringer:
		return spoken(j.String)
	case analysis.Threshold:
		return limits(j.Min, j.Max) + tolerated(j)
	case analysis.NotWorse:
		what := "higher"
		if j.LowerIsWorse {
			what = "lower"
		}
		return fmt.Sprintf("not %s than the rest of the fleet: fails if it is worse, is sure to see %s times worse, and minds nothing up to %s times", what,
			number(orDefault(j.Detect, analysis.DefaultDetect)), number(orDefault(j.Tolerate, analysis.DefaultTolerate)))
	case analysis.BurnRate:
		return fmt.Sprintf("does not burn the error budget of %s", percent(100*j.Objective))
	case analysis.Trend:
		return fmt.Sprintf("is not on its way to leave %s within %s", limits(j.Min, j.Max), span(orDefault(j.Within, analysis.DefaultAtMost)))
	case analysis.PerSlice:
		return "in all, and in every slice: " + judgeWords(j.Judge)
	case analysis.AllOf:
		words := make([]string, len(j))
		for i := range j {
			words[i] = judgeWords(j[i])
		}
		return strings.Join(words, ", and ")
	default:
		return fmt.Sprintf("as a %T judges", j)
	}
}

// spoken is what the user's code says of itself; it may panic.
func spoken(say func() string) (text string) {
	defer func() {
		if p := recover(); p != nil {
			text = fmt.Sprintf("(it panicked when it was asked: %v)", p)
		}
	}()
	return say()
}

func limits(lo, hi *float64) string {
	switch {
	case lo != nil && hi != nil:
		return number(*lo) + " to " + number(*hi)
	case lo != nil:
		return "at least " + number(*lo)
	case hi != nil:
		return "at most " + number(*hi)
	default:
		return "no limits"
	}
}

func tolerated(j analysis.Threshold) string {
	if j.Failures == 0 {
		return ""
	}
	if j.Consecutive {
		return fmt.Sprintf(" (%d times outside in a row are put up with)", j.Failures)
	}
	return fmt.Sprintf(" (%d times outside are put up with)", j.Failures)
}

func number(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

// guards names what may say no.
func (x *explainer) guards() {
	x.title("Guards")
	if len(x.p.Guards) == 0 {
		x.say("None: nothing but the gates and people can stop it.")
		return
	}
	x.say("Asked before the rollout, before every single step, and every %s in between: %s.",
		span(orDefault(x.p.GuardInterval, DefaultGuardInterval)), list(x.guardNames()))
}

// guardNames are the guards' names as reports and overrides use them.
func (x *explainer) guardNames() []string {
	names := x.p.guardNames()
	used := make(map[string]int)
	for i, name := range names {
		if used[name]++; used[name] > 1 {
			names[i] = fmt.Sprintf("%s (%d)", name, used[name])
		}
	}
	return names
}

// killSwitches are the guards that are kill switches, and what each does.
func (x *explainer) killSwitches() (all []string) {
	names := x.guardNames()
	for i, g := range x.p.Guards {
		k, ok := g.(*guardrails.KillSwitch)
		if !ok {
			continue
		}
		does := "freezes: no step and no undo"
		if k.Mode == guardrails.Rollback {
			does = "takes everything back"
		}
		from := "it can be tripped by this process only"
		if len(k.Sources) > 0 {
			var sources []string
			for _, s := range k.Sources {
				sources = append(sources, spoken(s.Name))
			}
			from = "it can be tripped by this process, and by " + strings.Join(sources, ", ")
		}
		all = append(all, fmt.Sprintf("%s. Tripped, it %s; %s. Only a reset with your name and a reason lifts it", names[i], does, from))
	}
	return all
}
