package rollout_test

import (
	"context"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/rollback"
	"github.com/tidegate-go/tidegate/rollout"
)

// A failure that freezes instead of taking back is one for a human, who is called, once.
func TestAFreezeCallsAHuman(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(20, "v1")
		var d diary
		plan := aWayBack(targets, 7, rollback.Policy{Page: d.page})
		plan.OnFailure = rollout.Freeze
		r := aRunner(plan, f, &rollout.MemoryJournal{})
		for range 2 {
			_, err := r.Run(t.Context())
			require.ErrorIs(t, err, rollout.ErrHalted)
			require.Len(t, d.read(), 1)
			require.Contains(t, d.read()[0], "checkout-v2 from v1 to v2 has failed and is frozen as it is: gate 3 failed")
		}
	})
}

// Who cannot be called changes nothing of how it ends.
func TestAFreezeEndsWhoeverIsCalled(t *testing.T) {
	for name, page := range map[string]func(context.Context, string) error{
		"an error": func(context.Context, string) error { return errors.New("no such number") },
		"a panic":  func(context.Context, string) error { panic("no such number") },
		"a goexit": func(context.Context, string) error { runtime.Goexit(); return nil },
		"a hang": func(ctx context.Context, _ string) error {
			<-ctx.Done()
			return ctx.Err()
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, targets := newFleet(20, "v1")
				plan := aWayBack(targets, 7, rollback.Policy{Page: page})
				plan.OnFailure = rollout.Freeze
				_, err := runs(t, f, plan)
				require.ErrorIs(t, err, rollout.ErrHalted)
			})
		})
	}
}

// The version that is to be replaced may be marked bad: that is why.
func TestAFixIsNotRefusedForWhatItReplaces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(20, "v1")
		versions := &rollback.Registry{Path: t.TempDir() + "/versions", Artifacts: rollback.ArtifactsFunc(func(_ context.Context, _, version string) (io.ReadCloser, error) {
			return io.NopCloser(strings.NewReader("the bytes of " + version)), nil
		})}
		require.NoError(t, versions.MarkBad(t.Context(), "checkout", "v1", "", "ann", "errors at night"))
		plan := aPlan(targets, 0.01)
		plan.Rollback.Registry = versions
		_, err := runs(t, f, plan)
		require.NoError(t, err)

		require.NoError(t, versions.MarkBad(t.Context(), "checkout", "v2", "", "ann", "errors all day"))
		plan.Name = "again"
		_, err = runs(t, f, plan)
		require.ErrorIs(t, err, rollback.ErrBadVersion)
	})
}
