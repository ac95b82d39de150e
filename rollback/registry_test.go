package rollback_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/rollback"
)

// monday is when the stories begin.
var monday = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

func registry(tb testing.TB) *rollback.Registry {
	tb.Helper()
	return &rollback.Registry{Path: filepath.Join(tb.TempDir(), "versions")}
}

// deploy records deployments of checkout, by a rollout of the version's name.
func deploy(t *testing.T, r *rollback.Registry, at time.Time, version string) {
	t.Helper()
	require.NoError(t, r.Deployed(t.Context(), "checkout", version, fmt.Sprint(version, " at ", at.Unix()), at))
}

func knownGood(t *testing.T, r *rollback.Registry, at time.Time) (ids []string) {
	t.Helper()
	known, err := r.KnownGood(t.Context(), "checkout", at)
	require.NoError(t, err)
	for _, v := range known {
		ids = append(ids, v.ID)
	}
	return ids
}

// Azure Front Door, 29 October 2025: metadata passed the health gates, became the
// last-known-good, and crashed the data plane five minutes later; going back would have
// brought it back. Here the version is not known to be good until it has run for a day.
func TestWhatBreaksAfterItsGateHasPassedIsNotWhatIsGoneBackTo(t *testing.T) {
	t.Parallel()
	r := registry(t)
	deploy(t, r, monday, "v41")
	tuesday := monday.Add(26 * time.Hour)
	deploy(t, r, tuesday, "v42")
	broken := tuesday.Add(5 * time.Minute)
	require.Equal(t, []string{"v41"}, knownGood(t, r, broken))

	require.NoError(t, r.MarkBad(t.Context(), "checkout", "v42", "checkout-v42", "tidegate", "the data plane crashes"))
	require.ErrorIs(t, r.CheckVersion(t.Context(), "checkout", "v42"), rollback.ErrBadVersion)
	deploy(t, r, broken.Add(time.Hour), "v41")
	require.Equal(t, []string{"v41"}, knownGood(t, r, broken.Add(100*time.Hour)))
}

func TestKnownGoodTellsWhenAndHowLong(t *testing.T) {
	t.Parallel()
	r := registry(t)
	deploy(t, r, monday, "v1")
	deploy(t, r, monday.Add(48*time.Hour), "v2")
	deploy(t, r, monday.Add(49*time.Hour), "v1")

	known, err := r.KnownGood(t.Context(), "checkout", monday.Add(50*time.Hour))
	require.NoError(t, err)
	require.Equal(t, []rollback.Version{{
		ID: "v1", Rollout: fmt.Sprint("v1 at ", monday.Unix()), Deployed: monday, Stayed: 48 * time.Hour, Running: true,
	}}, known, "it runs again, and was proven before")

	known, err = r.KnownGood(t.Context(), "checkout", monday.Add(73*time.Hour))
	require.NoError(t, err)
	require.Len(t, known, 1)
	require.Equal(t, monday.Add(49*time.Hour), known[0].Deployed, "the latest stay that was long enough")
	require.Equal(t, 24*time.Hour, known[0].Stayed)
}

func TestNoMoreThanDepth(t *testing.T) {
	t.Parallel()
	r := registry(t)
	for day := range 8 {
		deploy(t, r, monday.Add(time.Duration(day)*24*time.Hour), fmt.Sprint("v", day))
	}
	now := monday.Add(10 * 24 * time.Hour)
	require.Equal(t, []string{"v7", "v6", "v5", "v4", "v3"}, knownGood(t, r, now))
	two := &rollback.Registry{Path: r.Path, Depth: 2}
	require.Equal(t, []string{"v7", "v6"}, knownGood(t, two, now))
	week := &rollback.Registry{Path: r.Path, Bake: 7 * 24 * time.Hour}
	require.Empty(t, knownGood(t, week, now))
}

// The life of a version that is marked bad: refused, cleared by a human, and proven only
// by a bake of its own.
func TestBadUntilClearedAndUnprovenUntilDeployedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := registry(t)
		deploy(t, r, time.Now(), "v1")
		time.Sleep(48 * time.Hour)
		require.Equal(t, []string{"v1"}, knownGood(t, r, time.Now()))
		since := time.Now()
		require.NoError(t, r.MarkBad(t.Context(), "checkout", "v1", "checkout-v1", "tidegate", "4 % errors"))
		require.Empty(t, knownGood(t, r, time.Now()))
		require.Empty(t, knownGood(t, r, since.Add(-time.Hour)), "nor has it ever been")

		err := r.CheckVersion(t.Context(), "checkout", "v1")
		var bad *rollback.BadVersionError
		require.ErrorAs(t, err, &bad)
		require.Equal(t, rollback.BadVersionError{
			Service: "checkout", Version: "v1", Since: since.UTC(), Rollout: "checkout-v1", Actor: "tidegate", Reason: "4 % errors",
		}, *bad)
		require.ErrorContains(t, err, "checkout v1, since 2000-01-03T00:00:00Z, by tidegate in rollout checkout-v1: 4 % errors [")
		require.ErrorContains(t, err, "clear it first")
		require.NoError(t, r.CheckVersion(t.Context(), "cart", "v1"), "of another service")

		time.Sleep(time.Hour)
		require.NoError(t, r.Clear(t.Context(), "checkout", "v1", "alice", "the errors were those of the proxy"))
		require.NoError(t, r.CheckVersion(t.Context(), "checkout", "v1"))
		time.Sleep(48 * time.Hour)
		require.Empty(t, knownGood(t, r, time.Now()), "it still runs, but being cleared is no proof")
		require.ErrorIs(t, r.Clear(t.Context(), "checkout", "v1", "alice", "again"), rollback.ErrNotBad)

		deploy(t, r, time.Now(), "v1")
		require.Empty(t, knownGood(t, r, time.Now()))
		time.Sleep(24 * time.Hour)
		require.Equal(t, []string{"v1"}, knownGood(t, r, time.Now()))
	})
}

// A runner that goes on after a crash says again what it may have said. That changes
// nothing, not even what a human has decided meanwhile.
func TestSayingItAgainAfterACrashChangesNothing(t *testing.T) {
	t.Parallel()
	ctx, r := t.Context(), registry(t)
	require.NoError(t, r.Deployed(ctx, "checkout", "v1", "r1", monday))
	require.NoError(t, r.Deployed(ctx, "checkout", "v2", "r2", monday.Add(time.Hour)))
	require.NoError(t, r.MarkBad(ctx, "checkout", "v2", "r2", "tidegate", "slow"))
	text, err := os.ReadFile(r.Path)
	require.NoError(t, err)

	require.NoError(t, r.Deployed(ctx, "checkout", "v1", "r1", monday.Add(2*time.Hour)))
	require.NoError(t, r.MarkBad(ctx, "checkout", "v2", "r2", "tidegate", "slow"))
	again, err := os.ReadFile(r.Path)
	require.NoError(t, err)
	require.Equal(t, string(text), string(again))

	require.NoError(t, r.Clear(ctx, "checkout", "v2", "alice", "it was the network"))
	require.NoError(t, r.MarkBad(ctx, "checkout", "v2", "r2", "tidegate", "slow"))
	require.NoError(t, r.CheckVersion(ctx, "checkout", "v2"))
	require.NoError(t, r.MarkBad(ctx, "checkout", "v2", "r3", "tidegate", "slow"))
	require.ErrorIs(t, r.CheckVersion(ctx, "checkout", "v2"), rollback.ErrBadVersion, "a later rollout has seen it, too")
}

// Humans mark versions without a rollout, and may change their minds twice.
func TestHumansMarkVersionsToo(t *testing.T) {
	t.Parallel()
	ctx, r := t.Context(), registry(t)
	for range 3 {
		require.NoError(t, r.MarkBad(ctx, "checkout", "v2", "", "alice", "loses orders"))
		require.NoError(t, r.MarkBad(ctx, "checkout", "v2", "", "alice", "loses orders"))
		require.NoError(t, r.MarkBad(ctx, "checkout", "v2", "", "bob", "what she says"))
		require.ErrorContains(t, r.CheckVersion(ctx, "checkout", "v2"), "by alice: loses orders")
		require.NoError(t, r.Clear(ctx, "checkout", "v2", "alice", "it was v3"))
		require.NoError(t, r.CheckVersion(ctx, "checkout", "v2"))
	}
	text, err := os.ReadFile(r.Path)
	require.NoError(t, err)
	require.Equal(t, 1+3*3, strings.Count(string(text), "\n"))
}

// A reason may be the output of a program.
func TestALongReasonIsCut(t *testing.T) {
	t.Parallel()
	ctx, r := t.Context(), registry(t)
	long := strings.Repeat("ü", 1<<20) + "\n\xff"
	require.NoError(t, r.MarkBad(ctx, "checkout", "v2", "", "alice", long[1:]))
	var bad *rollback.BadVersionError
	require.ErrorAs(t, r.CheckVersion(ctx, "checkout", "v2"), &bad)
	require.Equal(t, strings.Repeat("ü", 8<<10-1), bad.Reason)
}

func TestWhatTheRegistryRefuses(t *testing.T) {
	t.Parallel()
	ctx, r := t.Context(), registry(t)
	for want, err := range map[string]error{
		"the service is empty":                     r.Deployed(ctx, "", "v1", "r1", monday),
		"the version is empty":                     r.Deployed(ctx, "checkout", " ", "r1", monday),
		"the rollout is empty":                     r.Deployed(ctx, "checkout", "v1", "", monday),
		"it has no time":                           r.Deployed(ctx, "checkout", "v1", "r1", time.Time{}),
		`the version, "v1\n", has spaces`:          r.Deployed(ctx, "checkout", "v1\n", "r1", monday),
		`the version, "\xff", has spaces`:          r.MarkBad(ctx, "checkout", "\xff", "r1", "alice", "slow"),
		"the rollout is longer than 4096 bytes":    r.MarkBad(ctx, "checkout", "v1", strings.Repeat("r", 5000), "alice", "slow"),
		"the actor is empty":                       r.MarkBad(ctx, "checkout", "v1", "", "", "slow"),
		"the reason is empty":                      r.Clear(ctx, "checkout", "v1", "alice", "\n"),
		"what is known to be good: the service is": second(r.KnownGood(ctx, "", monday)),
		"no time to tell it for":                   second(r.KnownGood(ctx, "checkout", time.Time{})),
		"is marked bad: the version is empty":      r.CheckVersion(ctx, "checkout", ""),
		"the registry has no Path":                 (&rollback.Registry{}).CheckVersion(ctx, "checkout", "v1"),
		"there is no registry":                     (*rollback.Registry)(nil).CheckVersion(ctx, "checkout", "v1"),
		"Depth is negative (-1)":                   second((&rollback.Registry{Path: r.Path, Depth: -1}).KnownGood(ctx, "checkout", monday)),
		"Bake is negative (-1s)":                   second((&rollback.Registry{Path: r.Path, Bake: -time.Second}).KnownGood(ctx, "checkout", monday)),
		"is not marked bad: checkout v1":           r.Clear(ctx, "checkout", "v1", "alice", "it is good"),
	} {
		require.ErrorContains(t, err, want)
	}
	require.NoFileExists(t, r.Path)
}

func second[T any](_ T, err error) error { return err }

func TestAMissingFileIsAnEmptyRegistryButItsFolderMustExist(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	r := &rollback.Registry{Path: filepath.Join(t.TempDir(), "none", "versions")}
	err := r.CheckVersion(ctx, "checkout", "v1")
	require.ErrorIs(t, err, fs.ErrNotExist, "nobody knows, and that is no leave to deploy it")
	require.NotErrorIs(t, err, rollback.ErrBadVersion)
	require.ErrorContains(t, second(r.KnownGood(ctx, "checkout", monday)), "the folder of the registry must exist")
	err = r.Deployed(ctx, "checkout", "v1", "r1", monday)
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.ErrorContains(t, err, "the deployment of checkout v1 is not recorded: the folder of the registry must exist")

	r = registry(t)
	require.Empty(t, knownGood(t, r, monday))
	require.NoError(t, r.CheckVersion(ctx, "checkout", "v1"))
	require.NoError(t, r.Deployed(ctx, "checkout", "v1", "r1", monday))
	info, err := os.Stat(r.Path)
	require.NoError(t, err)
	if runtime.GOOS != "windows" {
		require.Equal(t, fs.FileMode(0o600), info.Mode().Perm())
	}
}

func TestACancelledCallWritesNothing(t *testing.T) {
	t.Parallel()
	r := registry(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("the shift is over"))
	require.ErrorContains(t, r.MarkBad(ctx, "checkout", "v1", "r1", "tidegate", "slow"), "the shift is over")
	require.NoFileExists(t, r.Path)
}

func TestManyGoroutinesAtOnce(t *testing.T) {
	t.Parallel()
	ctx, r := t.Context(), registry(t)
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			version := fmt.Sprint("v", i)
			for _, err := range []error{
				r.Deployed(ctx, "checkout", version, "r"+version, monday.Add(time.Duration(i)*24*time.Hour)),
				r.MarkBad(ctx, "cart", version, "", "alice", "slow"),
				second(r.KnownGood(ctx, "checkout", monday)),
			} {
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	require.Equal(t, []string{"v7", "v6", "v5", "v4", "v3"}, knownGood(t, r, monday.Add(240*time.Hour)), "by time, whoever was first")
	for i := range 8 {
		require.ErrorIs(t, r.CheckVersion(ctx, "cart", fmt.Sprint("v", i)), rollback.ErrBadVersion)
	}
}

// shelf is artifacts in memory.
type shelf map[string]string

func (s shelf) Open(_ context.Context, service, version string) (io.ReadCloser, error) {
	text, ok := s[service+" "+version]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return io.NopCloser(strings.NewReader(text)), nil
}

// The same version with other bytes is another version, and nobody has proven it.
func TestAVersionWhoseBytesWereReplacedIsNotProven(t *testing.T) {
	t.Parallel()
	ctx, r, store := t.Context(), registry(t), shelf{"checkout v1": "one"}
	r.Artifacts = store
	deploy(t, r, monday, "v1")
	require.Equal(t, []string{"v1"}, knownGood(t, r, monday.Add(24*time.Hour)))
	known, err := r.KnownGood(ctx, "checkout", monday.Add(24*time.Hour))
	require.NoError(t, err)
	require.Equal(t, rollback.Digest{SHA256: "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed", Bytes: 3}, known[0].Digest)

	store["checkout v1"] = "two"
	err = r.Deployed(ctx, "checkout", "v1", "again", monday.Add(30*time.Hour))
	var wrong *rollback.ArtifactError
	require.ErrorAs(t, err, &wrong)
	require.Equal(t, known[0].Digest, wrong.Recorded)
	require.NoError(t, r.Deployed(ctx, "checkout", "v1", "again", monday.Add(30*time.Hour)), "it is on record")
	require.Empty(t, knownGood(t, r, monday.Add(53*time.Hour)))
	require.Equal(t, []string{"v1"}, knownGood(t, r, monday.Add(54*time.Hour)))
	require.NoError(t, r.CheckArtifact(ctx, "checkout", "v1"))
}

// What runs is a fact, whether its artifact can be read or not.
func TestADeploymentIsOnRecordAlthoughItsArtifactCannotBeRead(t *testing.T) {
	t.Parallel()
	ctx, r, store := t.Context(), registry(t), shelf{"checkout v1": "one"}
	r.Artifacts = store
	require.NoError(t, r.Deployed(ctx, "checkout", "v1", "r1", monday))
	err := r.Deployed(ctx, "checkout", "v2", "r2", monday.Add(time.Hour))
	require.ErrorIs(t, err, rollback.ErrArtifact)
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.Equal(t, []string{"v2"}, knownGood(t, r, monday.Add(25*time.Hour)), "v1 did not run on for a day")

	store["checkout v2"] = "two"
	require.NoError(t, r.Deployed(ctx, "checkout", "v2", "r2", monday.Add(time.Hour)), "once more, for what was missing")
	known, err := r.KnownGood(ctx, "checkout", monday.Add(25*time.Hour))
	require.NoError(t, err)
	require.EqualValues(t, 3, known[0].Digest.Bytes)
}
