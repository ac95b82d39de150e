package rollout_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/tidegate-go/tidegate/rollout"
)

// aFleet draws a fleet of any size, tiers and regions mixed.
func aFleet(t *rapid.T, least int) []rollout.Target {
	n := rapid.IntRange(least, 300).Draw(t, "targets")
	fleet := make([]rollout.Target, n)
	for i := range fleet {
		fleet[i] = rollout.Target{
			Name:   fmt.Sprintf("t-%03d", i),
			Tier:   rapid.IntRange(-2, 3).Draw(t, "tier"),
			Labels: map[string]string{"region": rapid.SampledFrom([]string{"eu", "us", "ap"}).Draw(t, "region")},
		}
	}
	return fleet
}

// percentages draws what rises to 100, in hundredths of a percent.
func percentages(t *rapid.T) []float64 {
	hundredths := rapid.SliceOfNDistinct(rapid.IntRange(1, 9999), 0, 8, rapid.ID).Draw(t, "hundredths of a percent")
	slices.Sort(hundredths)
	var percents []float64
	for _, h := range append(hundredths, 10_000) {
		percents = append(percents, float64(h)/100)
	}
	return percents
}

// builders are all the builders of waves of targets, with any settings.
func builders(t *rapid.T) map[string]rollout.Waves {
	sizes := rapid.SliceOfN(rapid.IntRange(1, 50), 0, 6).Draw(t, "sizes")
	return map[string]rollout.Waves{
		"OneThenDouble": rollout.OneThenDouble(),
		"Percent":       rollout.Percent(percentages(t)...),
		"Counts":        rollout.Counts(sizes...),
		"ByLabel":       rollout.ByLabel("region"),
	}
}

func names(waves []rollout.Wave) (all [][]string) {
	for _, w := range waves {
		var names []string
		for _, t := range w.Targets {
			names = append(names, t.Name)
		}
		all = append(all, names)
	}
	return all
}

func TestEveryTargetIsInOneWaveAndNoWaveIsEmpty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		fleet := aFleet(t, 1)
		for name, b := range builders(t) {
			waves, err := b.Split(slices.Clone(fleet))
			require.NoError(t, err, name)
			seen := make(map[string]bool)
			tier := fleet[0].Tier
			for i, w := range waves {
				require.NotEmpty(t, w.Targets, "%s: wave %d", name, i+1)
				for k, target := range w.Targets {
					require.False(t, seen[target.Name], "%s: %s is twice in the waves", name, target.Name)
					seen[target.Name] = true
					if i == 0 && k == 0 {
						tier = target.Tier
					}
					if name == "ByLabel" {
						require.Equal(t, w.Targets[0].Labels, target.Labels)
						continue
					}
					require.GreaterOrEqual(t, target.Tier, tier, "%s: least critical first", name)
					tier = target.Tier
				}
			}
			require.Len(t, seen, len(fleet), name)

			again, err := b.Split(slices.Clone(fleet))
			require.NoError(t, err)
			require.Equal(t, names(waves), names(again), "%s: the same fleet, the same waves", name)
			appended := append(waves[0].Targets, rollout.Target{Name: "more"})
			require.Equal(t, "more", appended[len(appended)-1].Name)
			require.Equal(t, names(again), names(waves), "%s: to append to a wave changes no other", name)
		}
	})
}

func TestNoBuilderPanicsOnAnEmptyFleet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		for name, b := range builders(t) {
			for _, fleet := range [][]rollout.Target{nil, {}} {
				waves, err := b.Split(fleet)
				require.NoError(t, err, name)
				require.Empty(t, waves, name)
			}
		}
		_, err := rollout.ByLabel("region", "eu").Split(nil)
		require.ErrorContains(t, err, "no target has region=eu")
	})
}

// The oracle counts in whole numbers.
func TestPercentRoundsDownButChangesOneAtLeast(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		fleet := aFleet(t, 1)
		if rapid.Bool().Draw(t, "large") {
			fleet = make([]rollout.Target, rapid.IntRange(1000, 20_000).Draw(t, "many"))
		}
		percents := percentages(t)
		waves, err := rollout.Percent(percents...).Split(slices.Clone(fleet))
		require.NoError(t, err)
		var want []int
		end := 0
		for _, p := range percents {
			size := max(1, int(p*100+0.5)*len(fleet)/10_000)
			if size > end {
				want = append(want, size-end)
				end = size
			}
		}
		var got []int
		for _, w := range waves {
			got = append(got, len(w.Targets))
		}
		require.Equal(t, want, got, "%v of %d", percents, len(fleet))
	})
}

// 0.57% of 10,000 is 57, although float64 makes it a little less.
func TestPercentIsCountedAsItIsWritten(t *testing.T) {
	for hundredths := 57; hundredths < 10_000; hundredths += 12 {
		waves, err := rollout.Percent(float64(hundredths)/100, 100).Split(make([]rollout.Target, 10_000))
		require.NoError(t, err)
		require.Len(t, waves[0].Targets, hundredths)
	}
}

func TestPercentRefusesWhatDoesNotRiseToAHundred(t *testing.T) {
	nan := 0.0
	nan /= nan
	_, fleet := newFleet(10, "v1")
	for _, percents := range [][]float64{nil, {50}, {50, 50, 100}, {0, 100}, {-1, 100}, {100, 50}, {5, 101}, {nan, 100}, {5, nan}} {
		_, err := rollout.Percent(percents...).Split(fleet)
		require.Error(t, err, percents)
	}
}

func TestOneThenDoubleGrowsToAThird(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		fleet := aFleet(t, 1)
		waves, err := rollout.OneThenDouble().Split(fleet)
		require.NoError(t, err)
		most := max(1, len(fleet)*33/100)
		for i, w := range waves {
			n := len(w.Targets)
			require.LessOrEqual(t, n, most)
			if i < len(waves)-1 {
				require.Equal(t, min(1<<min(i, 20), most), n, "wave %d of %d targets", i+1, len(fleet))
			}
		}
	})
}

func TestCounts(t *testing.T) {
	_, fleet := newFleet(10, "v1")
	for _, tc := range []struct {
		sizes, want []int
	}{
		{nil, []int{10}},
		{[]int{1, 3}, []int{1, 3, 6}},
		{[]int{1, 9}, []int{1, 9}},
		{[]int{4, 4, 4, 4}, []int{4, 4, 2}},
		{[]int{100}, []int{10}},
		{[]int{1 << 30, 1 << 30, 1 << 30}, []int{10}},
	} {
		waves, err := rollout.Counts(tc.sizes...).Split(slices.Clone(fleet))
		require.NoError(t, err)
		var got []int
		for _, w := range waves {
			got = append(got, len(w.Targets))
		}
		require.Equal(t, tc.want, got, "%v", tc.sizes)
	}
	for _, sizes := range [][]int{{0}, {1, 0}, {-1}} {
		_, err := rollout.Counts(sizes...).Split(fleet)
		require.Error(t, err)
	}
}

func TestByLabel(t *testing.T) {
	fleet := []rollout.Target{
		{Name: "us-1", Labels: map[string]string{"region": "us"}, Tier: 1},
		{Name: "eu-1", Labels: map[string]string{"region": "eu"}, Tier: 1},
		{Name: "ap-1", Labels: map[string]string{"region": "ap"}, Tier: 1},
		{Name: "us-2", Labels: map[string]string{"region": "us"}},
		{Name: "none", Labels: map[string]string{"region": ""}, Tier: 2},
	}
	waves, err := rollout.ByLabel("region", "ap").Split(slices.Clone(fleet))
	require.NoError(t, err)
	require.Equal(t, [][]string{{"ap-1"}, {"us-2", "us-1"}, {"eu-1"}, {"none"}}, names(waves))
	for _, tc := range []struct {
		waves rollout.Waves
		want  string
	}{
		{rollout.ByLabel("zone"), `target "us-2" has no such label`},
		{rollout.ByLabel("region", "eu", "eu"), `"eu" is listed twice`},
		{rollout.ByLabel("region", "mars"), "no target has region=mars"},
	} {
		_, err := tc.waves.Split(slices.Clone(fleet))
		require.ErrorContains(t, err, tc.want)
	}
}

// Builders may reorder the fleet that they are given, but not what its owner
// keeps: the labels are shared.
func TestBuildersLeaveThePlanAlone(t *testing.T) {
	_, targets := newFleet(10, "v1")
	for i := range targets {
		targets[i].Tier = -i
	}
	was := slices.Clone(targets)
	labels := maps.Clone(targets[0].Labels)
	plan := aPlan(targets, 0.01)
	require.NoError(t, plan.Validate())
	require.Equal(t, was, targets)
	require.Equal(t, labels, targets[0].Labels)
}

func ExamplePercent() {
	fleet := make([]rollout.Target, 40)
	waves, err := rollout.Percent(1, 10, 50, 100).Split(fleet)
	for i, wave := range waves {
		fmt.Printf("wave %d: %d targets\n", i+1, len(wave.Targets))
	}
	fmt.Println(err)
	// Output:
	// wave 1: 1 targets
	// wave 2: 3 targets
	// wave 3: 16 targets
	// wave 4: 20 targets
	// <nil>
}

func ExampleOneThenDouble() {
	fleet := make([]rollout.Target, 40)
	waves, _ := rollout.OneThenDouble().Split(fleet)
	for _, wave := range waves {
		fmt.Print(len(wave.Targets), " ")
	}
	// Output: 1 2 4 8 13 12
}
