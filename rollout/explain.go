package rollout

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Explain returns the plan's runbook, for whoever is called at night: what changes, in
// which waves, what each gate looks at, what happens on each kind of failure, how the
// change is taken back and how long that takes, the most that can go wrong, and how to
// stop it by hand. It is plain text in lines of at most 100 characters, and the same
// for the same plan. The error is every problem of the plan, a *PlanError. It touches
// nothing.
func (p *Plan) Explain() (string, error) {
	c, err := p.compile()
	if err != nil {
		return "", err
	}
	bounds, err := p.bounds(c)
	if err != nil {
		return "", err
	}
	x := explainer{p: p, c: c, bounds: bounds, policy: p.Rollback.WithDefaults()}
	x.change()
	x.waves()
	x.gates()
	x.guards()
	x.failures()
	x.wayBack()
	x.worst()
	x.byHand()
	return x.text.String(), nil
}

// change says what changes.
func (x *explainer) change() {
	p, r := x.p, x.p.Release
	x.title(fmt.Sprintf("Rollout %s: %s from %s to %s", p.Name, r.Service, r.From, r.To))
	fleet := amount(x.bounds.Targets, x.noun())
	if x.bounds.Weight != int64(x.bounds.Targets) {
		fleet += fmt.Sprintf(" of weight %d", x.bounds.Weight)
	}
	x.say("It changes %s in %s, at most %d at once. A step may take %v.", fleet, amount(len(x.c.spec.Waves), "wave"),
		x.c.spec.atOnce(), span(orDefault(p.StepTimeout, DefaultStepTimeout)))
	if x.c.spec.MaxDown > 0 {
		n := x.bounds.Targets
		x.say("Capacity floor: %s of %s is %d that must be able to serve at any time, so at most %d may be in change, failed or in doubt: forward, back, and in an emergency.",
			percent(p.Floor), amount(n, x.noun()), n-x.c.spec.MaxDown, x.c.spec.MaxDown)
	}
	if f := p.Failures; f.Total > 0 {
		x.say("Failed steps that are put up with: %d in a wave, %d in all. The rollout is then Partial, not Completed.", f.PerWave, f.Total)
	}
	x.say("Meanwhile no other rollout may hold %s.", list(p.locks()))
}

// waves says which targets come when.
func (x *explainer) waves() {
	x.title("Waves")
	column := len(strconv.Itoa(len(x.c.spec.Waves))) + 5
	for w, wave := range x.c.spec.Waves {
		b := x.bounds.Waves[w]
		ids := make([]string, len(wave.Steps))
		for i, s := range wave.Steps {
			ids[i] = s.ID
		}
		end := x.gateName(w)
		if wave.Ungated != "" {
			end = "no gate (" + wave.Ungated + ")"
		}
		begin := ""
		if wave.Approval {
			begin = " It begins when a human approves."
		}
		x.entry(strconv.Itoa(w+1)+".", column, fmt.Sprintf("%s, up to %s exposed: %s. Then %s.%s", amount(b.Targets, x.noun()), percent(b.ExposedPercent), few(ids), end, begin))
	}
	if x.c.spec.Undo.Rehearse {
		x.say("Before anything else, %s is changed, taken back and changed again, to prove that the way back works. If it does not, everything is taken back.", x.c.spec.Waves[0].Steps[0].ID)
	}
	if len(x.bounds.Irreversible) > 0 {
		x.say("WARNING: %s cannot be undone. After step %s nothing is taken back: a failure freezes.", list(x.bounds.Irreversible), x.bounds.Irreversible[0])
	}
}

// worst says the most that can go wrong.
func (x *explainer) worst() {
	x.title("The most that can go wrong")
	x.say("Each line is a wave that was done in full and has not passed its gate: what is exposed to the new version, what no gate has looked at, and how long it may take at most to find out, and to take it back. Time held by guards, pauses and approvals is not counted.")
	x.line("%s", strings.TrimRight(fmt.Sprintf("  %-6s%-24s%-12s%-16s%s", "wave", "exposed", "unproven", "to detect", "to roll back"), " "))
	for w := range x.bounds.Waves {
		b := &x.bounds.Waves[w]
		detect, back := span(b.Detect), span(b.RollBack)
		if b.Blind {
			detect = "not by a gate"
		}
		switch {
		case b.Frozen && x.p.OnFailure == Freeze && b.RollBack > 0:
			back += ", by hand"
		case b.Frozen:
			back = "never: it freezes"
		}
		x.line("  %-6d%-24s%-12s%-16s%s", w+1, fmt.Sprintf("%s (%d of %d)", percent(b.ExposedPercent), b.Exposed, x.bounds.Targets), percent(b.UnprovenPercent), detect, back)
	}
	for i := range x.bounds.Waves[0].Domains {
		if label := x.bounds.Waves[0].Domains[i].Label; x.isDomain(label) {
			var parts []string
			for w := range x.bounds.Waves {
				d := x.bounds.Waves[w].Domains[i]
				parts = append(parts, fmt.Sprintf("wave %d %s of %s", w+1, percent(d.ExposedPercent), orDefault(d.Value, "those without")))
			}
			x.item("The most exposed %s: %s.", label, strings.Join(parts, ", "))
		}
	}
	x.item("Longest time to detect: %s.%s", span(x.bounds.Detect), x.blind())
	if x.bounds.RollBack > 0 {
		x.item("Longest time to roll back to %s: %s. Longest time until a human has to take over, since nothing has helped: %s.",
			x.p.Release.From, span(x.bounds.RollBack), span(x.bounds.GiveUp))
	}
}

func (x *explainer) blind() string {
	var waves []string
	for _, w := range x.bounds.Waves {
		if w.Blind {
			waves = append(waves, strconv.Itoa(w.Wave))
		}
	}
	if len(waves) == 0 {
		return ""
	}
	return fmt.Sprintf(" No gate comes after wave %s: only guards and people would see.", list(waves))
}

// isDomain tells whether a label groups targets, and does not name each.
func (x *explainer) isDomain(label string) bool {
	seen := make(map[string]bool)
	for _, wave := range x.c.spec.Waves {
		for _, s := range wave.Steps {
			v, ok := s.Labels[label]
			if ok && seen[v] {
				return true
			}
			seen[v] = ok
		}
	}
	return false
}

// byHand says how a human stops it.
func (x *explainer) byHand() {
	x.title("How to stop it by hand")
	x.say("Every verb needs your name and a reason, and is on record. Kill comes before abort, abort before rollback, rollback before pause.")
	for _, v := range []struct{ verb, does string }{
		{"pause", "starts nothing more; what runs comes to its end, and gates go on looking. Goes on with resume."},
		{"resume", "goes on after a pause, or after a reset."},
		{"approve", "lets a wave begin that waits for approval."},
		{"override", "lets one guard's hold pass until the time you name. It lifts no cap, and no kill switch."},
		{"rollback", x.rollbackVerb()},
		{"abort", "stops here and leaves everything as it is; what runs comes to its end."},
		{"kill", "freezes: cancels what runs, starts nothing more, not even an undo."},
		{"reset", "lifts a freeze; then say resume, rollback or abort."},
	} {
		x.entry(v.verb, 12, v.does)
	}
	for _, name := range x.killSwitches() {
		x.say("Kill switch: guard %s.", name)
	}
	if x.policy.RevertWindow > 0 && len(x.bounds.Irreversible) == 0 {
		x.say("After it has completed, it can be taken back with rollback for %s, unless %s has been rolled out again since.", span(x.policy.RevertWindow), x.p.Release.Service)
	}
}

func (x *explainer) rollbackVerb() string {
	if s := x.bounds.Irreversible; len(s) > 0 {
		return fmt.Sprintf("takes everything back now; once %s was started it freezes instead.", s[0])
	}
	return "takes everything back now, whatever the gates say."
}

// noun is what the plan changes.
func (x *explainer) noun() string {
	if len(x.p.Targets) == 0 {
		return "step"
	}
	if len(x.p.Targets) < x.bounds.Targets {
		return "target or step"
	}
	return "target"
}

// amount is a number of things.
func amount(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	if first, second, ok := strings.Cut(noun, " or "); ok {
		return fmt.Sprintf("%d %ss or %ss", n, first, second)
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// percent writes a percentage, to a hundredth.
func percent(p float64) string { return strconv.FormatFloat(p, 'f', -1, 64) + "%" }

// span writes a time without the zeros that Duration writes: 1h, and not 1h0m0s.
func span(d time.Duration) string {
	s := d.String()
	if cut, ok := strings.CutSuffix(s, "m0s"); ok {
		s = cut + "m"
	}
	if cut, ok := strings.CutSuffix(s, "h0m"); ok {
		s = cut + "h"
	}
	return s
}

// list writes names one after the other.
func list(names []string) string {
	switch n := len(names); n {
	case 0:
		return "nothing"
	case 1:
		return names[0]
	default:
		return strings.Join(names[:n-1], ", ") + " and " + names[n-1]
	}
}

// few writes names, and of many only the first and the last.
func few(names []string) string {
	const most = 6
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return strings.Join(names[:most-2], ", ") + " … " + names[len(names)-1]
}
