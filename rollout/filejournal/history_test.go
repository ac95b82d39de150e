package filejournal_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/guardrails"
	"github.com/tidegate-go/tidegate/rollout"
	"github.com/tidegate-go/tidegate/rollout/filejournal"
)

// noon is when the rollouts of these tests begin.
var noon = time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)

// begun is a rollout's first event, so many minutes after noon.
func begun(minute int, service string) rollout.Event {
	return rollout.Event{
		At: noon.Add(time.Duration(minute) * time.Minute), Kind: rollout.Started,
		Spec: &rollout.Spec{Service: service, From: "v1", To: "v2"},
	}
}

// over is its last event.
func over(minute int, outcome rollout.Phase) rollout.Event {
	return rollout.Event{At: noon.Add(time.Duration(minute) * time.Minute), Kind: rollout.Ended, Outcome: outcome}
}

// keep records a rollout, and leaves it.
func keep(t testing.TB, dir filejournal.Dir, name string, events ...rollout.Event) {
	t.Helper()
	s := open(t, dir, name)
	if len(events) > 0 {
		appendTo(t, s, events...)
	}
	closeIt(t, s)
}

// past says what a directory tells in one line for each rollout.
func past(t testing.TB, dir filejournal.Dir, service string, since time.Time) (lines []string) {
	t.Helper()
	all, err := dir.Past(t.Context(), service, since)
	require.NoError(t, err)
	for _, p := range all {
		ended := "-"
		if !p.Ended.IsZero() {
			ended = fmt.Sprint(p.Ended.Sub(noon).Minutes())
		}
		lines = append(lines, fmt.Sprintf("%s %s %s>%s %v-%s %v", p.Rollout, p.Service, p.From, p.To, p.Started.Sub(noon).Minutes(), ended, p.Ending))
	}
	return lines
}

func TestPast(t *testing.T) {
	dir := newDir(t)
	keep(t, dir, "good", begun(0, "checkout"), step(0), over(10, rollout.Completed))
	keep(t, dir, "bad", begun(20, "checkout"), step(0), over(30, rollout.RolledBack))
	for i, outcome := range []rollout.Phase{rollout.Halted, rollout.Aborted, rollout.Partial, rollout.RollbackIncomplete} {
		keep(t, dir, outcome.String(), begun(40+i, "search"), over(50, outcome))
	}
	keep(t, dir, "crashed", begun(60, "checkout"), step(0))
	keep(t, dir, "opened")
	keep(t, dir, "reset", begun(70, "checkout"), over(71, rollout.Halted), rollout.Event{At: noon.Add(72 * time.Minute), Kind: rollout.Reset})
	running := open(t, dir, "running", "cart")
	appendTo(t, running, begun(80, "cart"), step(0))

	all := []string{
		"good checkout v1>v2 0-10 completed",
		"bad checkout v1>v2 20-30 rolled back",
		"halted search v1>v2 40-50 failed",
		"aborted search v1>v2 41-50 failed",
		"partial search v1>v2 42-50 failed",
		"rollback-incomplete search v1>v2 43-50 failed",
		"crashed checkout v1>v2 60-- unended",
		"reset checkout v1>v2 70-- unended",
		"running cart v1>v2 80-- unended",
	}
	require.Equal(t, all, past(t, dir, "", time.Time{}))
	require.Equal(t, all, past(t, dir, "", noon.Add(10*time.Minute)), "what ends at the time itself was at work then")
	require.Equal(t, all[1:], past(t, dir, "", noon.Add(10*time.Minute+1)))
	require.Equal(t, all[6:], past(t, dir, "", noon.Add(24*time.Hour)), "what has not ended is at work")
	require.Equal(t, []string{all[1], all[6], all[7]}, past(t, dir, "checkout", noon.Add(15*time.Minute)))
	require.Empty(t, past(t, dir, "check", time.Time{}), "a service goes by its whole name")

	appendTo(t, running, over(90, rollout.Completed))
	require.Equal(t, []string{"running cart v1>v2 80-90 completed"}, past(t, dir, "cart", time.Time{}))
	closeIt(t, running)
}

// A crash in the middle of a write leaves a torn line; nobody was told of it.
func TestPastOfATornJournal(t *testing.T) {
	dir := newDir(t)
	keep(t, dir, "r", begun(0, "checkout"), over(10, rollout.Completed))
	whole := content(t, journalOf(dir, "r"))
	put(t, journalOf(dir, "r"), whole[:len(whole)-5])
	require.Equal(t, []string{"r checkout v1>v2 0-- unended"}, past(t, dir, "", time.Time{}))
	put(t, journalOf(dir, "r"), whole[:40])
	require.Empty(t, past(t, dir, "", time.Time{}), "it had not begun")
}

// A first event as long as that of a large fleet, and a last one.
func TestPastOfLongLines(t *testing.T) {
	dir := newDir(t)
	first := begun(0, "checkout")
	first.Reason = strings.Repeat("x", 3<<20)
	last := over(10, rollout.Completed)
	last.Reason = first.Reason
	keep(t, dir, "r", first, step(0), last)
	require.Equal(t, []string{"r checkout v1>v2 0-10 completed"}, past(t, dir, "checkout", noon))
}

// What cannot be read is said, with its name, and there is no answer.
func TestPastIsNeverHalfTold(t *testing.T) {
	for name, damage := range map[string]func(whole []byte) []byte{
		"first line changed": func(b []byte) []byte { return []byte(strings.Replace(string(b), "checkout", "checkin!", 1)) },
		"last line changed":  func(b []byte) []byte { return []byte(strings.Replace(string(b), "completed", "aborted!!", 1)) },
		"no journal at all":  func([]byte) []byte { return []byte("hello\n") },
		"line dropped":       func(b []byte) []byte { return b[strings.Index(string(b), "\n")+1:] },
	} {
		t.Run(name, func(t *testing.T) {
			dir := newDir(t)
			keep(t, dir, "fine", begun(0, "checkout"), over(1, rollout.Completed))
			keep(t, dir, "r", begun(0, "checkout"), over(10, rollout.Completed))
			put(t, journalOf(dir, "r"), damage(content(t, journalOf(dir, "r"))))
			got, err := dir.Past(t.Context(), "checkout", time.Time{})
			require.Empty(t, got)
			require.ErrorIs(t, err, rollout.ErrCorrupt)
			require.ErrorContains(t, err, journalOf(dir, "r"))
		})
	}

	dir := newDir(t)
	keep(t, dir, "other", step(0))
	_, err := dir.Past(t.Context(), "", time.Time{})
	require.ErrorIs(t, err, rollout.ErrCorrupt)
	require.ErrorContains(t, err, "a rollout begins with started and its spec, and this with doing")

	_, err = filejournal.Dir(filepath.Join(t.TempDir(), "gone")).Past(t.Context(), "", time.Time{})
	require.ErrorIs(t, err, fs.ErrNotExist)
	_, err = filejournal.Dir("").Past(t.Context(), "", time.Time{})
	require.ErrorContains(t, err, "the directory has no name")

	dir = newDir(t)
	keep(t, dir, "r", begun(0, "checkout"))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = dir.Past(ctx, "", time.Time{})
	require.ErrorIs(t, err, context.Canceled)
}

// What else lies in the directory is none of its business.
func TestPastSeesJournalsOnly(t *testing.T) {
	dir := newDir(t)
	keep(t, dir, "r", begun(0, "checkout"))
	for _, name := range []string{".hidden.jsonl", "r.jsonl.torn", "notes.txt", "breaker.json"} {
		put(t, filepath.Join(string(dir), name), []byte("not a journal"))
	}
	require.NoError(t, os.Mkdir(filepath.Join(string(dir), "d.jsonl"), 0o700))
	require.Equal(t, []string{"r checkout v1>v2 0-- unended"}, past(t, dir, "", time.Time{}))
}

// A runner writes while somebody looks back: each look sees a past that was.
func TestPastWhileARunnerWrites(t *testing.T) {
	dir := newDir(t)
	s := open(t, dir, "r")
	appendTo(t, s, begun(0, "checkout"))
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := range 200 {
			if s.Append(context.Background(), step(i)) != nil {
				return
			}
		}
	}()
	for range 200 {
		require.Equal(t, []string{"r checkout v1>v2 0-- unended"}, past(t, dir, "", time.Time{}))
	}
	<-done
	closeIt(t, s)
}

// Guards that go by what has been, over real rollouts, each of which is a process of
// its own as far as it knows: the directory is all they share.
func TestGuardsGoByThePast(t *testing.T) {
	dir := newDir(t)
	resets := filepath.Join(string(dir), "breaker.resets")
	roll := func(name, service string, fails bool) error {
		host := func(id string) rollout.Wave {
			return rollout.Wave{Targets: []rollout.Target{{Name: id}}, Ungated: "a test of what comes after"}
		}
		runner := rollout.Runner{
			Plan: rollout.Plan{
				Name: name, Release: rollout.Release{Service: service, From: "v1", To: "v2"},
				Targets: []rollout.Target{{Name: "a"}, {Name: "b"}}, Waves: rollout.Explicit{host("a"), host("b")},
				Guards: []guardrails.Guard{
					guardrails.Rate{History: dir, Max: 4, Per: time.Hour, All: true},
					guardrails.Breaker{History: dir, After: 2, Resets: resets},
				},
			},
			Deployer: rollout.DeployerFunc(func(_ context.Context, target rollout.Target, release rollout.Release) error {
				if fails && target.Name == "b" && release.To == "v2" {
					return errors.New("it does not start")
				}
				return nil
			}),
			Journal: dir, Logger: slog.New(slog.DiscardHandler),
		}
		_, err := runner.Run(t.Context())
		return err
	}
	guard := func(err error) string {
		var b *guardrails.Breach
		require.ErrorAs(t, err, &b)
		require.ErrorContains(t, err, "nothing was touched")
		return b.Guard
	}
	require.NoError(t, roll("v2", "cart", false))
	require.ErrorIs(t, roll("v3", "cart", true), rollout.ErrRolledBack)
	require.ErrorIs(t, roll("v4", "cart", true), rollout.ErrRolledBack)
	require.Equal(t, "breaker", guard(roll("v5", "cart", true)))
	require.NoError(t, guardrails.Breaker{Resets: resets}.Reset("cart", "alice", "the image was broken"))
	require.NoError(t, roll("v5", "cart", false))
	require.Equal(t, "rate/all", guard(roll("s2", "search", false)))
	require.NoError(t, roll("v5", "cart", false), "what is over is not begun again")
	got, err := dir.Past(t.Context(), "", time.Time{})
	require.NoError(t, err)
	var endings []string
	for _, p := range got {
		endings = append(endings, p.Rollout+" "+p.Ending.String())
	}
	require.Equal(t, []string{"v2 completed", "v3 rolled back", "v4 rolled back", "v5 completed"}, endings)
}

func BenchmarkPast(b *testing.B) {
	dir := newDir(b)
	for i := range 200 {
		keep(b, dir, fmt.Sprintf("r%d", i), begun(i, "checkout"), step(0), over(i+1, rollout.Completed))
	}
	for name, since := range map[string]time.Time{"all": {}, "late": noon.Add(190 * time.Minute)} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := dir.Past(b.Context(), "", since); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

var _ guardrails.History = filejournal.Dir("")
