package guardrails

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// Domains keeps apart what must not fail together: a version that no gate has passed yet
// is never in two paired regions at a time, and never in all zones of a region.
//
// What it would have bounded: Azure Storage, Central US, 18 July 2024. One configuration
// change cut storage off from compute in several zones of a region, which are there so
// that one of them can fail. It took five hours until nearly all machines were back.
//
// It goes by what is exposed and unproven, as MaxExposure does, so it holds within a
// wave and across waves, and after a crash: it keeps nothing, and asks act.Fleet. Once a
// gate has passed what runs in one region of a pair, the other may have its turn.
//
// A typing error in a name must not disarm it. So each region that a step touches has to
// be named: in Pairs if there are any (with "" as the partner of one that has none), and
// in Zones if there are any; and the zones of a region have to add up to the region. A
// step without the label passes nothing.
//
// It minds Deploy and a verb that it does not know. It leaves Undo alone, and Start, Bake
// and Recover. It is Static, so that a plan with paired regions in one wave is refused
// before anything is touched. The zero Domains holds every Deploy; Problems says why. No
// override lifts it. It is a plain value, and safe for concurrent use.
//
// DomainGap keeps time between one domain and the next.
type Domains struct {
	// Label names the label that says where a target is, such as "region". Required.
	Label string
	// Pairs are regions that stand in for each other. A region may be in several pairs.
	// {"ap-1", ""} says that ap-1 has no partner.
	Pairs [][2]string
	// ZoneLabel names the label of the zones, such as "zone". Their names have to differ
	// between regions: "eu-1a", not "a".
	ZoneLabel string
	// Zones are all zones of each region. At least one of them, with targets in it, is
	// kept free of what no gate has passed. A region of one zone has nothing to keep free,
	// and passes.
	Zones map[string][]string
}

// GuardName returns "domains", and with Label "domains/region".
func (d Domains) GuardName() string {
	if d.Label == "" {
		return "domains"
	}
	return "domains/" + d.Label
}

// Static promises that Check answers from the action alone.
func (d Domains) Static() {}

// Problems reports every setting that makes no sense.
func (d Domains) Problems(report func(path, msg string)) {
	if d.Label == "" {
		report("Label", "is empty, so nobody could tell where a target is")
	}
	if len(d.Pairs) == 0 && len(d.Zones) == 0 {
		report("Pairs", "are none, and Zones are none either, so nothing would be kept apart")
	}
	for i, p := range d.Pairs {
		switch {
		case p[0] == "" && p[1] == "":
			report(fmt.Sprintf("Pairs[%d]", i), "names nothing")
		case p[0] == p[1]:
			report(fmt.Sprintf("Pairs[%d]", i), fmt.Sprintf("pairs %q with itself, so nothing in it could ever be changed", p[0]))
		}
	}
	if (d.ZoneLabel == "") != (len(d.Zones) == 0) {
		report("ZoneLabel", "and Zones need each other")
	}
	if d.ZoneLabel != "" && d.ZoneLabel == d.Label {
		report("ZoneLabel", "is the same as Label")
	}
	in := make(map[string]string)
	for _, region := range sortedKeys(d.Zones) {
		path := fmt.Sprintf("Zones[%q]", region)
		if len(d.Zones[region]) == 0 {
			report(path, "are none: a region that has no zones is one zone")
		}
		for _, zone := range d.Zones[region] {
			if before, twice := in[zone]; twice {
				report(path, fmt.Sprintf("has zone %q, which is in region %q already: give each a name of its own", zone, before))
			}
			if zone == "" {
				report(path, "has a zone without a name")
			}
			in[zone] = region
		}
	}
}

func sortedKeys(m map[string][]string) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// Check returns a *Breach that holds, and is a cap, when the step would put what no gate
// has passed into both regions of a pair or into all zones of one, and when that cannot
// be told.
func (d Domains) Check(_ context.Context, act Action) error {
	switch act.Verb {
	case Start, Bake, Undo, Recover:
		return nil
	case Unknown, Deploy: // and every verb to come
	}
	region := act.Labels[d.Label]
	switch {
	case d.Label == "", len(d.Pairs) == 0 && len(d.Zones) == 0, (d.ZoneLabel == "") != (len(d.Zones) == 0):
		return d.breach("it is not known what to keep apart", firstProblem(d), "Correct the plan's Domains.")
	case region == "":
		return d.breach("it is not known where the target is", fmt.Sprintf("it has no label %q", d.Label), "Give every target the label.")
	case act.Fleet == nil:
		return d.breach("it is not known what is exposed elsewhere", "the action carries no fleet", "Run this through a rollout, which counts what it exposes.")
	}
	if len(d.Pairs) > 0 {
		if b := d.paired(act.Fleet, region); b != nil {
			return b
		}
	}
	if len(d.Zones) > 0 {
		if b := d.zoned(act.Fleet, region, act.Labels[d.ZoneLabel]); b != nil {
			return b
		}
	}
	return nil
}

// paired minds the partners of a region.
func (d Domains) paired(fleet Fleet, region string) *Breach {
	named := false
	for _, p := range d.Pairs {
		partner := p[1]
		switch region {
		case p[0]:
		case p[1]:
			partner = p[0]
		default:
			continue
		}
		named = true
		if partner == "" {
			continue
		}
		t := fleet.Tally(d.Label, partner)
		if t.Unproven != 0 { // below 0 is a bug, and passes nothing
			return d.breach(fmt.Sprintf("%s %q is not touched while its partner %q runs what no gate has passed", d.Label, region, partner),
				fmt.Sprintf("%d of %d targets in %q are unproven", t.Unproven, t.Targets, partner),
				"Nothing to do while a gate is due: its pass, or an undo, frees the partner. If one wave has both, cut it in two. No override lifts this.")
		}
	}
	if !named {
		return d.breach(fmt.Sprintf("nobody said which partner %s %q has", d.Label, region), fmt.Sprintf("it is in none of the %d pairs", len(d.Pairs)),
			fmt.Sprintf("Add it to Domains.Pairs; if it has no partner, as {%q, \"\"}.", region))
	}
	return nil
}

// zoned minds the zones of a region.
func (d Domains) zoned(fleet Fleet, region, zone string) *Breach {
	zones := d.Zones[region]
	switch {
	case len(zones) == 0:
		return d.breach(fmt.Sprintf("nobody said which zones %s %q has", d.Label, region), fmt.Sprintf("it is none of the %d that have any", len(d.Zones)),
			"Add it to Domains.Zones, with all of its zones.")
	case !slices.Contains(zones, zone):
		return d.breach(fmt.Sprintf("%s %q is none of those of %s %q", d.ZoneLabel, zone, d.Label, region), fmt.Sprintf("those are %q", zones),
			"Correct the label, or Domains.Zones.")
	case len(zones) == 1:
		return nil
	}
	free, all := 0, 0
	for _, z := range zones {
		t := fleet.Tally(d.ZoneLabel, z)
		all += t.Targets
		if t.Targets > 0 && t.Unproven == 0 {
			free++
		}
	}
	if whole := fleet.Tally(d.Label, region).Targets; all != whole {
		return d.breach(fmt.Sprintf("the zones of %s %q do not add up to it", d.Label, region), fmt.Sprintf("%d targets in zones %q, %d in all of it", all, zones, whole),
			"Give every target its zone, name all zones in Domains.Zones, and no zone like one of another region.")
	}
	if free == 0 {
		return d.breach(fmt.Sprintf("no zone of %s %q would be free of what no gate has passed", d.Label, region), fmt.Sprintf("its zones with targets are among %q", zones),
			"Nothing to do while a gate is due: its pass, or an undo, frees a zone. If one wave has all zones, cut it in two. No override lifts this.")
	}
	return nil
}

func (d Domains) breach(reason, evidence, runbook string) *Breach {
	return &Breach{Guard: d.GuardName(), Consequence: Hold, Reason: reason, Evidence: evidence, Runbook: runbook, Cap: true}
}

// SelfTest has each pair refuse either side while the other is unproven, and each region
// refuse its last free zone.
func (d Domains) SelfTest(ctx context.Context) error {
	if wrong := firstProblem(d); wrong != "" {
		return errors.New(wrong)
	}
	for _, p := range d.Pairs {
		for range 2 {
			p[0], p[1] = p[1], p[0]
			if p[0] == "" || p[1] == "" {
				continue
			}
			act := Action{Verb: Deploy, Labels: map[string]string{d.Label: p[0]}, Fleet: allUnproven{}}
			if err := mustRefuse(ctx, Domains{Label: d.Label, Pairs: d.Pairs}, act, fmt.Sprintf("a step in %q while %q was unproven", p[0], p[1])); err != nil {
				return err
			}
		}
	}
	for _, region := range sortedKeys(d.Zones) {
		zones := d.Zones[region]
		if len(zones) == 1 {
			continue
		}
		act := Action{Verb: Deploy, Labels: map[string]string{d.Label: region, d.ZoneLabel: zones[0]}, Fleet: allUnproven{d.Label: len(zones)}}
		if err := mustRefuse(ctx, Domains{Label: d.Label, ZoneLabel: d.ZoneLabel, Zones: d.Zones}, act, fmt.Sprintf("a step in the last free zone of %q", region)); err != nil {
			return err
		}
	}
	return nil
}

// allUnproven is a fleet that is exposed and unproven wherever one looks: the worst. It
// has one target for each value of a label, or as many as it says.
type allUnproven map[string]int

// Tally implements Fleet.
func (f allUnproven) Tally(label, _ string) Tally {
	n := max(f[label], 1)
	return Tally{Targets: n, Exposed: n, Unproven: n, Weight: int64(n), ExposedWeight: int64(n), UnprovenWeight: int64(n)}
}
