package guardrails_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/guardrails"
)

// answering is a guard that answers with a consequence, and counts how often it was asked.
func answering(asked *int, c guardrails.Consequence, reason string) guardrails.Guard {
	return guardrails.Func(func(context.Context, guardrails.Action) error {
		*asked++
		if reason == "" {
			return nil
		}
		return &guardrails.Breach{Guard: reason, Consequence: c, Reason: reason}
	})
}

func TestGroups(t *testing.T) {
	var asked [3]int
	content, hold, halt := answering(&asked[0], 0, ""), answering(&asked[1], guardrails.Hold, "wait"), answering(&asked[2], guardrails.Halt, "stop")

	require.NoError(t, guardrails.All(content, content).Check(t.Context(), guardrails.Action{}))
	require.NoError(t, guardrails.First(content).Check(t.Context(), guardrails.Action{}))

	var b *guardrails.Breach
	require.ErrorAs(t, guardrails.All(content, hold, halt).Check(t.Context(), guardrails.Action{}), &b)
	require.Equal(t, "stop", b.Guard, "the gravest")
	require.ErrorAs(t, guardrails.First(content, hold, halt).Check(t.Context(), guardrails.Action{}), &b)
	require.Equal(t, "wait", b.Guard, "the first")
	require.Equal(t, [3]int{5, 2, 1}, asked)

	for name, g := range map[string]guardrails.Guard{"all": guardrails.All(), "first": guardrails.First(), "nil inside": guardrails.All(nil)} {
		require.ErrorIs(t, g.Check(t.Context(), guardrails.Action{}), guardrails.ErrBreach, name)
		require.NotEmpty(t, groupProblems(g), name)
	}
	require.Equal(t, "first(kill-switch, all(max-exposure))", guardrails.Name(guardrails.First(&guardrails.KillSwitch{}, guardrails.All(guardrails.MaxExposure{Count: 1}))))
	require.Equal(t, map[string]bool{"guards[1].Count": true}, groupProblems(guardrails.All(&guardrails.KillSwitch{}, guardrails.MaxExposure{Count: -1})))
}

func groupProblems(g guardrails.Guard) map[string]bool {
	found := map[string]bool{}
	g.(interface {
		Problems(func(path, msg string))
	}).Problems(func(path, msg string) { found[path] = true })
	return found
}

// A group passes on the news of those in it, and ends with its context.
func TestAGroupIsWatchedThroughItsGuards(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kill := &guardrails.KillSwitch{}
		g := guardrails.All(guardrails.MaxExposure{Count: 1}, guardrails.First(kill))
		ctx, cancel := context.WithCancel(t.Context())
		news := make(chan struct{}, 9)
		done := make(chan struct{})
		go func() {
			g.(guardrails.Watcher).Watch(ctx, func() { news <- struct{}{} })
			close(done)
		}()
		synctest.Wait()
		require.NoError(t, kill.Trip("ann", "smoke"))
		<-news
		cancel()
		<-done
	})
}

// A guard on a leash says what it would have stopped, once, and stops nothing.
func TestLeashed(t *testing.T) {
	answer := error(nil)
	g := guardrails.Func(func(context.Context, guardrails.Action) error { return answer })
	var heard []string
	leashed := guardrails.Leashed(g, func(_ guardrails.Action, b *guardrails.Breach) { heard = append(heard, b.Reason) })
	check := func(e error) {
		answer = e
		require.NoError(t, leashed.Check(t.Context(), guardrails.Action{}))
	}
	check(nil)
	check(&guardrails.Breach{Guard: "g", Reason: "too many"})
	check(&guardrails.Breach{Guard: "g", Reason: "too many"})
	check(&guardrails.Breach{Guard: "g", Reason: "far too many"})
	check(nil)
	check(&guardrails.Breach{Guard: "g", Reason: "far too many"})
	check(errors.New("broken"))
	require.Equal(t, []string{"too many", "far too many", "far too many", "the guard could not answer: broken"}, heard)

	require.ErrorIs(t, guardrails.Leashed(g, nil).Check(t.Context(), guardrails.Action{}), guardrails.ErrBreach, "nobody would hear it")
	require.Contains(t, groupProblems(guardrails.Leashed(&guardrails.KillSwitch{}, func(guardrails.Action, *guardrails.Breach) {})), "guard")
	require.Equal(t, "leashed kill-switch", guardrails.Name(guardrails.Leashed(&guardrails.KillSwitch{}, nil)))
}
