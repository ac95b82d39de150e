package guardrails_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/big"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/guardrails"
)

var (
	_ guardrails.Static  = guardrails.MaxExposure{}
	_ guardrails.Namer   = guardrails.MaxExposure{}
	_ analysis.Problemer = guardrails.MaxExposure{}
)

// tallies is a Fleet that answers by heart, by "label=value".
type tallies map[string]guardrails.Tally

func (f tallies) Tally(label, value string) guardrails.Tally { return f[label+"="+value] }

// hosts is the tally of a fleet of equals, of which some are unproven.
func hosts(unproven, targets int) guardrails.Tally {
	return guardrails.Tally{
		Targets: targets, Exposed: unproven, Unproven: unproven,
		Weight: int64(targets), ExposedWeight: int64(unproven), UnprovenWeight: int64(unproven),
	}
}

func deploy(fleet guardrails.Fleet) guardrails.Action {
	return guardrails.Action{Verb: guardrails.Deploy, Target: "a", Fleet: fleet}
}

func TestMaxExposure(t *testing.T) {
	a33 := guardrails.MaxExposure{Percent: 33}
	perZone := guardrails.MaxExposure{Percent: 50, PerLabel: "zone"}
	zones := tallies{"zone=z1": hosts(2, 4), "zone=z2": hosts(3, 4), "zone=": hosts(1, 1), "=": hosts(6, 9)}
	in := func(labels map[string]string) guardrails.Action {
		return guardrails.Action{Verb: guardrails.Deploy, Labels: labels, Fleet: zones}
	}
	for _, tc := range []struct {
		story    string
		cap      guardrails.MaxExposure
		act      guardrails.Action
		evidence string // empty: let through
	}{
		{"33% of 40 is 13, rounded down: the 13th passes", a33, deploy(tallies{"=": hosts(13, 40)}), ""},
		{"the 14th does not, although 13.2 would round to it upwards", a33, deploy(tallies{"=": hosts(14, 40)}),
			"14 of 40 targets (35%); the cap is 33% = 13"},
		{"what a gate has passed does not count", a33, deploy(tallies{"=": {Targets: 40, Exposed: 30, Unproven: 10, Weight: 40, ExposedWeight: 30, UnprovenWeight: 10}}), ""},
		{"weight counts, not the number of targets", a33,
			deploy(tallies{"=": {Targets: 10, Exposed: 1, Unproven: 1, Weight: 1000, ExposedWeight: 400, UnprovenWeight: 400}}),
			"400 of 1000 units of weight (40%); the cap is 33% = 330"},
		{"33.3% of 1000 is 333, as it is written", guardrails.MaxExposure{Percent: 33.3}, deploy(tallies{"=": hosts(333, 1000)}), ""},
		{"a fleet too small for its cap exposes nothing", a33, deploy(tallies{"=": hosts(1, 3)}), "1 of 3 targets (33.33%); the cap is 33% = 0"},
		{"all of it, if the plan says so", guardrails.MaxExposure{Percent: 100}, deploy(tallies{"=": hosts(3, 3)}), ""},
		{"a count caps targets", guardrails.MaxExposure{Count: 5}, deploy(tallies{"=": hosts(5, 1000)}), ""},
		{"and one more is too many", guardrails.MaxExposure{Count: 5}, deploy(tallies{"=": hosts(6, 1000)}), "6 of 1000 targets; the cap is 5"},
		{"both caps hold: the count is the tighter", guardrails.MaxExposure{Percent: 50, Count: 5}, deploy(tallies{"=": hosts(6, 1000)}), "6 of 1000 targets; the cap is 5"},
		{"both caps hold: the share is the tighter", guardrails.MaxExposure{Percent: 10, Count: 5}, deploy(tallies{"=": hosts(3, 20)}), "3 of 20 targets (15%); the cap is 10% = 2"},
		{"a zone within its cap", perZone, in(map[string]string{"zone": "z1"}), ""},
		{"a zone past it, whatever the fleet looks like", perZone, in(map[string]string{"zone": "z2"}), "3 of 4 targets (75%); the cap is 50% = 2"},
		{"targets without the label are a zone of their own", perZone, in(nil), "1 of 1 targets (100%); the cap is 50% = 0"},
		{"a zone that the fleet does not know", perZone, in(map[string]string{"zone": "z9"}),
			`the count of zone "z9" makes no sense: {Targets:0 Exposed:0 Unproven:0 Weight:0 ExposedWeight:0 UnprovenWeight:0}`},
		{"no fleet, so nobody knows", a33, guardrails.Action{Verb: guardrails.Deploy}, "the action carries no fleet"},
		{"the zero cap lets nothing through", guardrails.MaxExposure{}, deploy(tallies{"=": hosts(1, 40)}),
			"Percent neither Percent nor Count is set, so there is no cap and nothing would be let through"},
		{"NaN lets nothing through", guardrails.MaxExposure{Percent: math.NaN()}, deploy(tallies{"=": hosts(1, 40)}), "Percent is NaN: want a percentage above 0, at most 100"},
		{"a count that is impossible", a33, deploy(tallies{"=": hosts(-1, 40)}),
			"the count of the fleet makes no sense: {Targets:40 Exposed:-1 Unproven:-1 Weight:40 ExposedWeight:-1 UnprovenWeight:-1}"},
		{"a weight that is impossible", a33, deploy(tallies{"=": {Targets: 40, Unproven: 1, UnprovenWeight: 1}}),
			"the count of the fleet makes no sense: {Targets:40 Exposed:0 Unproven:1 Weight:0 ExposedWeight:0 UnprovenWeight:1}"},
		{"a count needs no weight", guardrails.MaxExposure{Count: 5}, deploy(tallies{"=": {Targets: 40, Unproven: 5}}), ""},
		{"but it needs targets", guardrails.MaxExposure{Count: 5}, deploy(tallies{"=": {Weight: 40}}),
			"the count of the fleet makes no sense: {Targets:0 Exposed:0 Unproven:0 Weight:40 ExposedWeight:0 UnprovenWeight:0}"},
		{"a verb that is not set counts as a deploy", a33, guardrails.Action{Fleet: tallies{"=": hosts(14, 40)}}, "14 of 40 targets (35%); the cap is 33% = 13"},
		{"and so does one from the future", a33, guardrails.Action{Verb: 99, Fleet: tallies{"=": hosts(14, 40)}}, "14 of 40 targets (35%); the cap is 33% = 13"},
		{"a weight near the end of int64", guardrails.MaxExposure{Percent: 50},
			deploy(tallies{"=": {Targets: 2, Unproven: 1, Weight: math.MaxInt64, UnprovenWeight: math.MaxInt64/2 + 1}}),
			"4611686018427387904 of 9223372036854775807 units of weight (50%); the cap is 50% = 4611686018427387903"},
	} {
		t.Run(tc.story, func(t *testing.T) {
			err := tc.cap.Check(t.Context(), tc.act)
			if tc.evidence == "" {
				require.NoError(t, err)
				return
			}
			var b *guardrails.Breach
			require.ErrorAs(t, err, &b)
			require.Equal(t, tc.evidence, b.Evidence)
			require.Equal(t, guardrails.Hold, b.Consequence)
			require.Equal(t, tc.cap.GuardName(), b.Guard)
			require.True(t, b.Cap, "no override may lift it")
			require.NotEmpty(t, b.Reason)
			require.NotEmpty(t, b.Runbook)
		})
	}
}

func TestMaxExposureSaysItPlainly(t *testing.T) {
	err := guardrails.MaxExposure{Percent: 33, PerLabel: "zone"}.Check(t.Context(), guardrails.Action{
		Verb: guardrails.Deploy, Labels: map[string]string{"zone": "eu-1"}, Fleet: tallies{"zone=eu-1": hosts(14, 40)},
	})
	require.EqualError(t, err, `guardrails: max-exposure/zone: 14 of 40 targets in zone "eu-1" would run a version that no gate has passed (14 of 40 targets (35%); the cap is 33% = 13)`)
}

func TestMaxExposureNeverHoldsTheWayBack(t *testing.T) {
	// The fleet has shrunk under a wave: all of it is exposed and unproven.
	all := tallies{"=": hosts(5, 5)}
	for _, verb := range []guardrails.Verb{guardrails.Start, guardrails.Bake, guardrails.Undo, guardrails.Recover} {
		for _, m := range []guardrails.MaxExposure{{}, {Count: 1}, {Percent: math.NaN()}} {
			require.NoError(t, m.Check(t.Context(), guardrails.Action{Verb: verb, Fleet: all}), "%v %+v", verb, m)
			require.NoError(t, m.Check(t.Context(), guardrails.Action{Verb: verb}), "%v %+v", verb, m)
		}
	}
}

func TestMaxExposureProblems(t *testing.T) {
	for _, tc := range []struct {
		cap  guardrails.MaxExposure
		want []string
	}{
		{guardrails.MaxExposure{Percent: 33}, nil},
		{guardrails.MaxExposure{Percent: 100, Count: 1, PerLabel: "zone"}, nil},
		{guardrails.MaxExposure{}, []string{"Percent neither Percent nor Count is set, so there is no cap and nothing would be let through"}},
		{guardrails.MaxExposure{PerLabel: "zone"}, []string{"Percent neither Percent nor Count is set, so there is no cap and nothing would be let through"}},
		{guardrails.MaxExposure{Percent: 100.1}, []string{"Percent is 100.1: want a percentage above 0, at most 100"}},
		{guardrails.MaxExposure{Percent: math.Inf(1)}, []string{"Percent is +Inf: want a percentage above 0, at most 100"}},
		{guardrails.MaxExposure{Percent: -1, Count: -2}, []string{"Percent is -1: want a percentage above 0, at most 100", "Count is negative (-2): want a number of targets"}},
	} {
		require.Equal(t, tc.want, problems(tc.cap), "%+v", tc.cap)
	}
}

func problems(p analysis.Problemer) (all []string) {
	p.Problems(func(path, msg string) { all = append(all, path+" "+msg) })
	return all
}

// crowd is a fleet that counts everything anew each time.
type crowd []*member

type member struct {
	zone              string
	weight            int64
	exposed, unproven bool
}

func (c crowd) Tally(label, value string) (t guardrails.Tally) {
	for _, m := range c {
		if label != "" && m.zone != value {
			continue
		}
		t.Targets++
		t.Weight += m.weight
		if m.exposed {
			t.Exposed++
			t.ExposedWeight += m.weight
		}
		if m.unproven {
			t.Unproven++
			t.UnprovenWeight += m.weight
		}
	}
	return t
}

// Whatever is tried in whatever order, the cap holds; and it lets through
// whatever keeps it.
func TestMaxExposureProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		// Percentages are hundredths, so that the test can count without rounding.
		hundredths := rapid.Int64Range(0, 10_000).Draw(t, "hundredths of a percent")
		m := guardrails.MaxExposure{
			Percent:  float64(hundredths) / 100,
			Count:    rapid.IntRange(0, 6).Draw(t, "count"),
			PerLabel: rapid.SampledFrom([]string{"", "zone"}).Draw(t, "per"),
		}
		fleet := make(crowd, rapid.IntRange(1, 12).Draw(t, "targets"))
		for i := range fleet {
			fleet[i] = &member{zone: rapid.SampledFrom([]string{"", "a", "b"}).Draw(t, "zone"), weight: rapid.Int64Range(1, 1000).Draw(t, "weight")}
		}
		within := func(zone string) bool {
			value := ""
			if m.PerLabel != "" {
				value = zone
			}
			y := fleet.Tally(m.PerLabel, value)
			share := big.NewInt(y.UnprovenWeight)
			share.Mul(share, big.NewInt(10_000))
			limit := new(big.Int).Mul(big.NewInt(y.Weight), big.NewInt(hundredths))
			return (m.Percent > 0 || m.Count > 0) &&
				(m.Count == 0 || y.Unproven <= m.Count) &&
				(m.Percent == 0 || share.Cmp(limit) <= 0)
		}
		t.Repeat(map[string]func(*rapid.T){
			"deploy": func(t *rapid.T) {
				one := rapid.SampledFrom(fleet).Draw(t, "target")
				if one.exposed {
					t.Skip("deployed already")
				}
				one.exposed, one.unproven = true, true // counted as done
				act := deploy(fleet)
				act.Labels = map[string]string{}
				if one.zone != "" {
					act.Labels["zone"] = one.zone
				}
				err := m.Check(context.Background(), act)
				if (err == nil) != within(one.zone) {
					t.Fatalf("%+v: within the cap: %v, but Check says %v", m, within(one.zone), err)
				}
				if err != nil {
					one.exposed, one.unproven = false, false
				}
			},
			"undo": func(t *rapid.T) {
				one := rapid.SampledFrom(fleet).Draw(t, "target")
				if err := m.Check(context.Background(), guardrails.Action{Verb: guardrails.Undo, Fleet: fleet}); err != nil {
					t.Fatalf("an undo was held: %v", err)
				}
				one.exposed, one.unproven = false, false
			},
			"pass": func(*rapid.T) {
				for _, one := range fleet {
					one.unproven = false
				}
			},
			"": func(t *rapid.T) {
				for _, one := range fleet {
					if one.unproven && !within(one.zone) {
						t.Fatalf("%+v is exceeded in zone %q: %+v", m, one.zone, fleet.Tally("", ""))
					}
				}
			},
		})
	})
}

func BenchmarkMaxExposure(b *testing.B) {
	act := deploy(tallies{"=": hosts(1000, 100_000)})
	for _, m := range []guardrails.MaxExposure{{Percent: 33}, {Percent: 33.3}, {Count: 2000}} {
		b.Run(fmt.Sprintf("%v%%,%d", m.Percent, m.Count), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := m.Check(b.Context(), act); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func ExampleMaxExposure() {
	guard := guardrails.MaxExposure{Percent: 33}
	for _, unproven := range []int{13, 14} {
		err := guard.Check(context.Background(), deploy(tallies{"=": hosts(unproven, 40)}))
		var breach *guardrails.Breach
		if errors.As(err, &breach) {
			fmt.Println(unproven, breach.Consequence, "-", breach.Evidence)
			continue
		}
		fmt.Println(unproven, "go on")
	}
	// Output:
	// 13 go on
	// 14 hold - 14 of 40 targets (35%); the cap is 33% = 13
}

func TestMaxExposureSelfTest(t *testing.T) {
	for _, sound := range []guardrails.MaxExposure{
		{Percent: 33}, {Percent: 99.9, PerLabel: "zone"}, {Count: 1}, {Count: 1_000_000, PerLabel: "zone"}, {Percent: 33, Count: 5}, {Percent: 100, Count: 5},
	} {
		require.NoError(t, sound.SelfTest(t.Context()), "%+v", sound)
	}
	for _, open := range []guardrails.MaxExposure{
		{}, {PerLabel: "zone"}, {Percent: 100}, {Percent: 101}, {Percent: math.NaN()}, {Count: -1}, {Count: math.MaxInt}, {Percent: 33, Count: -1}, {Percent: 33, Count: math.MaxInt},
	} {
		require.ErrorIs(t, guardrails.SelfTest(t.Context(), open), guardrails.ErrSelfTest, "%+v", open)
	}
}
