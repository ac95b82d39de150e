package analysistest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"

	"github.com/tidegate-go/tidegate/analysis"
)

func answers(ctx context.Context, _ *bench, rig Rig) error {
	if err := begin(ctx, rig); err != nil {
		return err
	}
	w := rig.window(2)
	made := rig.traffic(w)
	o, err := rig.Source.Observe(ctx, w)
	switch {
	case err != nil:
		return fmt.Errorf("its Observe of a window with traffic gave the error: %w", err)
	case !o.Canary.Has() && rig.Traffic == nil:
		return fmt.Errorf("the canary is %s (if there is no traffic by itself, the rig needs Traffic)", describe(o.Canary))
	case !o.Canary.Has():
		return fmt.Errorf("the canary had %s, and %s was seen (its Err is %q)", describe(made.canary), describe(o.Canary), o.Err)
	case made.baseline.Has() && !o.Baseline.Has():
		return fmt.Errorf("the baseline had %s, and %s was seen", describe(made.baseline), describe(o.Baseline))
	}
	return nil
}

func timesWithin(ctx context.Context, _ *bench, rig Rig) error {
	all, err := story(ctx, rig)
	if err != nil {
		return err
	}
	for _, s := range all {
		if err := timeWithin(s.Observation, s.window); err != nil {
			return err
		}
	}
	return nil
}

func timeWithin(o analysis.Observation, w analysis.Window) error {
	if !o.At.IsZero() && (o.At.Before(w.Start) || o.At.After(w.End)) {
		return fmt.Errorf("an observation is of %v, in a window from %v to %v", o.At, w.Start, w.End)
	}
	return nil
}

func wellFormed(ctx context.Context, _ *bench, rig Rig) error {
	all, err := story(ctx, rig)
	if err != nil {
		return err
	}
	for _, s := range all {
		if err := formed(s.Observation); err != nil {
			return err
		}
	}
	return nil
}

// formed checks all samples of an observation.
func formed(o analysis.Observation) error {
	parts := append([]analysis.Slice{{Name: "the whole", Canary: o.Canary, Baseline: o.Baseline}}, o.Slices...)
	names := make(map[string]bool)
	for i, p := range parts {
		switch {
		case i > 0 && p.Name == "":
			return errors.New("a slice has no name")
		case i > 0 && names[p.Name]:
			return fmt.Errorf("two slices have the name %q", p.Name)
		case o.Err != "" && (p.Canary.Has() || p.Baseline.Has()):
			return fmt.Errorf("%q has data, although the observation has the Err %q", p.Name, o.Err)
		case p.Canary.Has() && p.Baseline.Has() && p.Canary.Kind != p.Baseline.Kind:
			return fmt.Errorf("%q is %s of the canary and %s of the baseline: they cannot be compared", p.Name, p.Canary.Kind, p.Baseline.Kind)
		case p.Canary.Has() && p.Baseline.Has() && !slices.Equal(p.Canary.Bounds, p.Baseline.Bounds):
			return fmt.Errorf("%q has the bounds %v of the canary and %v of the baseline: they cannot be compared", p.Name, p.Canary.Bounds, p.Baseline.Bounds)
		}
		names[p.Name] = i > 0
		for arm, s := range map[string]analysis.Sample{"canary": p.Canary, "baseline": p.Baseline} {
			if problem := malformed(s); problem != "" {
				return fmt.Errorf("%q of the %s %s", p.Name, arm, problem)
			}
		}
	}
	return nil
}

func malformed(s analysis.Sample) string {
	switch {
	case s.Kind > analysis.BucketKind:
		return fmt.Sprintf("is of the unknown kind %d", s.Kind)
	case s.Kind == analysis.CountKind && s.Events > s.Total:
		return fmt.Sprintf("has %d events among a total of %d", s.Events, s.Total)
	case s.Kind == analysis.ValueKind && (math.IsNaN(s.Value) || math.IsInf(s.Value, 0)):
		return fmt.Sprintf("has the value %v", s.Value)
	case s.Kind == analysis.BucketKind && analysis.Buckets(s.Bounds, s.Buckets, s.Total).Kind == analysis.NoData:
		return fmt.Sprintf("is no histogram: %s", describe(s))
	}
	return ""
}

func survivesJSON(ctx context.Context, _ *bench, rig Rig) error {
	all, err := story(ctx, rig)
	if err != nil {
		return err
	}
	for _, s := range all {
		if err := survives(s.Observation); err != nil {
			return err
		}
	}
	return nil
}

func survives(o analysis.Observation) error {
	text, err := json.Marshal(o)
	if err != nil {
		return fmt.Errorf("an observation gave the error: %w", err)
	}
	var read analysis.Observation
	if err := json.Unmarshal(text, &read); err != nil {
		return fmt.Errorf("reading back %s gave the error: %w", text, err)
	}
	equal := read.At.Equal(o.At) && read.Err == o.Err &&
		reflect.DeepEqual(samplesOf(read), samplesOf(o)) &&
		slices.EqualFunc(read.Slices, o.Slices, func(a, b analysis.Slice) bool { return reflect.DeepEqual(a, b) })
	if !equal {
		return fmt.Errorf("%+v was recorded as %s, and read back as %+v", o, text, read)
	}
	return nil
}
