package rollout_test

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/rollout"
)

// Traffic that is not split by the weights of the targets is found out before the
// rollout, and where it is, a gate may count on it.
func TestTrafficThatIsNotSplitAsItShouldBe(t *testing.T) {
	for name, favour := range map[string]uint64{"as it should": 1, "four times too much for the first": 4} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, targets := newFleet(8, "v1")
				heavy := map[string]uint64{}
				for i := range targets {
					targets[i].Weight = int64(1 + i%3)
					heavy[targets[i].Name] = uint64(1 + i%3)
				}
				heavy[targets[0].Name] *= favour
				source := analysis.SourceFunc(func(_ context.Context, w analysis.Window) (analysis.Observation, error) {
					requests := func(a analysis.Arm) analysis.Sample {
						n := uint64(0)
						for _, m := range a.Members {
							n += 100 * heavy[m.Name]
						}
						return analysis.Counts(n/100, n)
					}
					return analysis.Observation{Canary: requests(w.Canary), Baseline: requests(w.Baseline)}, nil
				})
				plan := tried(targets, analysis.Check{Name: "errors", Source: source, Judge: analysis.AllOf{analysis.NotWorse{}, analysis.SampleRatio{}}})
				_, err := aRunner(plan, f, &rollout.MemoryJournal{}).Run(t.Context())
				if favour == 1 {
					require.NoError(t, err)
					return
				}
				require.ErrorIs(t, err, analysis.ErrPreflight)
				require.ErrorContains(t, err, "the arms cannot be trusted to be comparable")
				require.Empty(t, f.touched())
			})
		})
	}
}
