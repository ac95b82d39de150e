package guardrails_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/guardrails"
)

var (
	_ guardrails.Static     = guardrails.Domains{}
	_ guardrails.Namer      = guardrails.Domains{}
	_ guardrails.SelfTester = guardrails.Domains{}
	_ analysis.Problemer    = guardrails.Domains{}
)

// central is a region of three zones with three clusters each, and its partner.
func central() plot {
	var p plot
	for _, region := range []string{"central", "east"} {
		for _, zone := range []string{"1", "2", "3"} {
			for i := range 3 {
				p = append(p, &spot{name: fmt.Sprintf("%s-%s-%d", region, zone, i), labels: map[string]string{"region": region, "zone": region + "-" + zone}})
			}
		}
	}
	return p
}

var apart = guardrails.Domains{
	Label: "region", Pairs: [][2]string{{"central", "east"}},
	ZoneLabel: "zone", Zones: map[string][]string{"central": {"central-1", "central-2", "central-3"}, "east": {"east-1", "east-2", "east-3"}},
}

// Azure Storage, July 2024: one configuration for all clusters of a region, which cuts
// off each that gets it. The bad change is found when it has done its work.
func TestDomainsKeepsAZoneAlive(t *testing.T) {
	run := func(guards ...guardrails.Guard) (zones []string) {
		fleet := central()
		guard := guardrails.All(append(guards, guardrails.Func(content))...)
		for _, cluster := range fleet[:9] {
			_ = fleet.step(t, guard, cluster)
		}
		for _, cluster := range fleet[:9] {
			if zone := cluster.labels["zone"]; !cluster.exposed && !slices.Contains(zones, zone) {
				zones = append(zones, zone)
			}
		}
		return zones
	}
	require.Equal(t, []string{"central-3"}, run(apart))
	require.Empty(t, run(), "and without it")
}

func TestDomains(t *testing.T) {
	type story struct {
		story    string
		domains  guardrails.Domains
		unproven []string // by name
		target   string
		evidence string // empty: let through
	}
	single := apart
	single.Zones = map[string][]string{"central": {"central-1"}, "east": {"east-1", "east-2", "east-3"}}
	for _, tc := range []story{
		{"the first", apart, nil, "central-1-0", ""},
		{"the second zone", apart, []string{"central-1-0"}, "central-2-0", ""},
		{"all of two zones", apart, []string{"central-1-0", "central-1-1", "central-1-2", "central-2-0", "central-2-1"}, "central-2-2", ""},
		{"the last zone", apart, []string{"central-1-0", "central-2-0"}, "central-3-0", `its zones with targets are among ["central-1" "central-2" "central-3"]`},
		{"the partner", apart, []string{"central-1-0"}, "east-1-0", `1 of 9 targets in "central" are unproven`},
		{"the other way round", apart, []string{"east-1-0"}, "central-1-0", `1 of 9 targets in "east" are unproven`},
		{"pairs alone", guardrails.Domains{Label: "region", Pairs: [][2]string{{"central", "east"}}}, []string{"central-1-0", "central-2-0"}, "central-3-0", ""},
		{"zones alone", guardrails.Domains{Label: "region", ZoneLabel: "zone", Zones: apart.Zones}, []string{"central-1-0", "central-2-0"}, "east-1-0", ""},
		{"a region without a partner", guardrails.Domains{Label: "region", Pairs: [][2]string{{"central", ""}, {"", "east"}}}, []string{"central-1-0"}, "east-1-0", ""},
		{"a region that no pair names", guardrails.Domains{Label: "region", Pairs: [][2]string{{"centrall", "east"}}}, nil, "central-1-0", "it is in none of the 1 pairs"},
		{"a region in two pairs", guardrails.Domains{Label: "region", Pairs: [][2]string{{"central", "west"}, {"east", "central"}}}, []string{"east-1-0"}, "central-1-0",
			`1 of 9 targets in "east" are unproven`},
		{"a region whose zones nobody names", guardrails.Domains{Label: "region", ZoneLabel: "zone", Zones: map[string][]string{"east": {"east-1"}}}, nil, "central-1-0",
			"it is none of the 1 that have any"},
		{"a zone that is not named", guardrails.Domains{Label: "region", ZoneLabel: "zone", Zones: map[string][]string{"central": {"central-1", "central-2"}}}, nil, "central-3-0",
			`those are ["central-1" "central-2"]`},
		{"another zone that is not named", guardrails.Domains{Label: "region", ZoneLabel: "zone", Zones: map[string][]string{"central": {"central-1", "central-2"}}}, nil, "central-1-0",
			`6 targets in zones ["central-1" "central-2"], 9 in all of it`},
		{"a zone of another region", guardrails.Domains{Label: "region", ZoneLabel: "zone", Zones: map[string][]string{"central": {"central-1", "central-2", "central-3", "east-1"}}}, nil, "central-1-0",
			`12 targets in zones ["central-1" "central-2" "central-3" "east-1"], 9 in all of it`},
		{"a region of one zone", guardrails.Domains{Label: "region", ZoneLabel: "zone", Zones: single.Zones}, []string{"central-1-0"}, "central-1-1", ""},
		{"a zone without targets is no refuge", guardrails.Domains{Label: "region", ZoneLabel: "zone", Zones: map[string][]string{"central": {"central-1", "central-2", "central-3", "central-4"}}},
			[]string{"central-1-0", "central-2-0"}, "central-3-0", `its zones with targets are among ["central-1" "central-2" "central-3" "central-4"]`},
		{"a label that nobody has", guardrails.Domains{Label: "continent", Pairs: [][2]string{{"a", "b"}}}, nil, "central-1-0", `it has no label "continent"`},
		{"zero", guardrails.Domains{}, nil, "central-1-0", "Label is empty, so nobody could tell where a target is"},
		{"nothing to keep apart", guardrails.Domains{Label: "region"}, nil, "central-1-0", "Pairs are none, and Zones are none either, so nothing would be kept apart"},
		{"zones without a label", guardrails.Domains{Label: "region", Zones: apart.Zones}, nil, "central-1-0", "ZoneLabel and Zones need each other"},
		{"paired with itself", guardrails.Domains{Label: "region", Pairs: [][2]string{{"central", "central"}}}, nil, "central-1-0", `1 of 9 targets in "central" are unproven`},
	} {
		t.Run(tc.story, func(t *testing.T) {
			fleet := central()
			var target *spot
			for _, s := range fleet {
				s.unproven = slices.Contains(tc.unproven, s.name)
				s.exposed = s.unproven
				if s.name == tc.target {
					target = s
				}
			}
			err := fleet.step(t, tc.domains, target)
			if tc.evidence == "" {
				require.NoError(t, err)
				return
			}
			b := refusal(t, tc.domains, err)
			require.Equal(t, tc.evidence, b.Evidence)
			require.True(t, b.Cap)
		})
	}
}

func TestDomainsTakesTurns(t *testing.T) {
	fleet := central()
	require.NoError(t, fleet.step(t, apart, fleet[0]))
	require.EqualError(t, fleet.step(t, apart, fleet[9]), `guardrails: domains/region: region "east" is not touched while its partner "central" runs what no gate has passed (1 of 9 targets in "central" are unproven)`)
	fleet.pass()
	require.NoError(t, fleet.step(t, apart, fleet[9]))
	require.Error(t, fleet.step(t, apart, fleet[1]), "now it is the other's turn")
}

func TestDomainsLeavesTheRestAlone(t *testing.T) {
	for _, verb := range []guardrails.Verb{guardrails.Start, guardrails.Bake, guardrails.Undo, guardrails.Recover} {
		require.NoError(t, guardrails.Domains{}.Check(t.Context(), guardrails.Action{Verb: verb}))
	}
	for _, verb := range []guardrails.Verb{guardrails.Unknown, guardrails.Deploy, 99} {
		act := guardrails.Action{Verb: verb, Labels: map[string]string{"region": "central", "zone": "central-1"}}
		require.Equal(t, "the action carries no fleet", refusal(t, apart, apart.Check(t.Context(), act)).Evidence)
	}
	bug := guardrails.Action{Verb: guardrails.Deploy, Labels: map[string]string{"region": "central"}, Fleet: tallies{"region=east": {Unproven: -1}}}
	pairs := guardrails.Domains{Label: "region", Pairs: apart.Pairs}
	refusal(t, pairs, pairs.Check(t.Context(), bug))
}

func TestDomainsProblems(t *testing.T) {
	for _, tc := range []struct {
		domains guardrails.Domains
		want    []string
	}{
		{apart, nil},
		{guardrails.Domains{Label: "region", Pairs: [][2]string{{"a", ""}, {"b", "c"}}}, nil},
		{guardrails.Domains{Label: "region", ZoneLabel: "zone", Zones: map[string][]string{"a": {"a1"}}}, nil},
		{guardrails.Domains{}, []string{"Label is empty, so nobody could tell where a target is", "Pairs are none, and Zones are none either, so nothing would be kept apart"}},
		{guardrails.Domains{Label: "region", Pairs: [][2]string{{"", ""}, {"a", "a"}}}, []string{"Pairs[0] names nothing", `Pairs[1] pairs "a" with itself, so nothing in it could ever be changed`}},
		{guardrails.Domains{Label: "region", Pairs: apart.Pairs, ZoneLabel: "zone"}, []string{"ZoneLabel and Zones need each other"}},
		{guardrails.Domains{Label: "region", ZoneLabel: "region", Zones: map[string][]string{"a": {"a"}}}, []string{"ZoneLabel is the same as Label"}},
		{guardrails.Domains{Label: "region", ZoneLabel: "zone", Zones: map[string][]string{"a": {"1", "2"}, "b": {"2", ""}, "c": nil}}, []string{
			`Zones["b"] has zone "2", which is in region "a" already: give each a name of its own`, `Zones["b"] has a zone without a name`,
			`Zones["c"] are none: a region that has no zones is one zone`,
		}},
	} {
		require.Equal(t, tc.want, problems(tc.domains), "%+v", tc.domains)
		err := guardrails.SelfTest(t.Context(), tc.domains)
		if tc.want == nil {
			require.NoError(t, err, "%+v", tc.domains)
		} else {
			require.ErrorIs(t, err, guardrails.ErrSelfTest)
		}
	}
}

// Whatever is tried in whatever order: no two paired regions are ever unproven at a time,
// each region keeps a free zone; and what keeps both is let through.
func TestDomainsProperty(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		fleet := central()
		clean := func() bool {
			free := map[string]map[string]bool{"central": {}, "east": {}}
			dirty := map[string]bool{}
			for _, s := range fleet {
				zone, region := s.labels["zone"], s.labels["region"]
				if _, seen := free[region][zone]; !seen {
					free[region][zone] = true
				}
				if s.unproven {
					free[region][zone] = false
					dirty[region] = true
				}
			}
			for _, zones := range free {
				n := 0
				for _, isFree := range zones {
					if isFree {
						n++
					}
				}
				if n == 0 {
					return false
				}
			}
			return !dirty["central"] || !dirty["east"]
		}
		for range rapid.IntRange(1, 40).Draw(rt, "steps") {
			if rapid.IntRange(0, 9).Draw(rt, "gate") == 0 {
				fleet.pass()
				continue
			}
			one := rapid.SampledFrom(fleet).Draw(rt, "target")
			before := *one
			one.unproven = true
			want := clean()
			*one = before
			if err := fleet.step(t, apart, one); (err == nil) != want {
				rt.Fatalf("%s: clean: %v, but Check says %v", one.name, want, err)
			}
		}
	})
}

// One region of a pair waits until a gate has passed what runs in the other.
func ExampleDomains() {
	guard := guardrails.Domains{Label: "region", Pairs: [][2]string{{"eu-1", "eu-2"}, {"ap-1", ""}}}
	for _, unproven := range []int{3, 0} {
		act := guardrails.Action{
			Verb: guardrails.Deploy, Target: "host-7", Labels: map[string]string{"region": "eu-2"},
			Fleet: tallies{"region=eu-1": hosts(unproven, 40)},
		}
		if err := guard.Check(context.Background(), act); err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println("go on")
	}
	// Output:
	// guardrails: domains/region: region "eu-2" is not touched while its partner "eu-1" runs what no gate has passed (3 of 40 targets in "eu-1" are unproven)
	// go on
}
