package guardrails_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/guardrails"
)

// AWS DynamoDB, October 2025: a slow worker puts an old plan into use, and the clean-up
// of another deletes that plan as outdated. The record has no address left. With the
// guard the clean-up is refused; without it the record is empty.
func TestNeverEmptyKeepsTheRecord(t *testing.T) {
	for _, guarded := range []bool{true, false} {
		plans := map[int][]string{1: {"10.0.0.1", "10.0.0.2"}, 9: {"10.0.0.7", "10.0.0.8", "10.0.0.9"}}
		record := plans[9]
		guard := &guardrails.NeverEmpty{PlanOnly: true}
		cleanUp := func(context.Context) error {
			for generation := range plans {
				if generation >= 9-5 {
					continue
				}
				after := len(record)
				if &plans[generation][0] == &record[0] {
					after = 0 // the one that is in use
				}
				if guarded {
					if err := guard.Plan("dynamodb.us-east-1", len(record), after); err != nil {
						return err
					}
				}
				delete(plans, generation)
				if after == 0 {
					record = nil
				}
			}
			return nil
		}
		record = plans[1] // the slow worker: its check that the plan is newer was long ago
		err := guardrails.Do(t.Context(), []guardrails.Guard{guard}, cleanUp)
		if !guarded {
			require.NoError(t, err)
			require.Empty(t, record)
			continue
		}
		require.ErrorContains(t, err, "never-empty: dynamodb.us-east-1 would be empty (2 members now, 0 then; the floor is 1)")
		require.NotEmpty(t, record)
	}
}

func TestNeverEmptyPlan(t *testing.T) {
	for _, test := range []struct {
		min, before, after int
		want               string
	}{
		{0, 3, 2, ""},
		{0, 2, 1, ""},
		{0, 1, 1, ""},
		{0, 0, 1, ""},
		{0, 1, 0, "a would be empty"},
		{0, 0, 0, "a would be empty"},
		{3, 4, 3, ""},
		{3, 4, 2, "a would be left with 2 members"},
		{3, 2, 2, "a would be left with 2 members"},
		{3, 1, 2, ""}, // it grows
		{0, -1, 2, "it is not known what would be left"},
		{0, 2, -1, "it is not known what would be left"},
	} {
		t.Run(fmt.Sprint(test), func(t *testing.T) {
			n := &guardrails.NeverEmpty{Min: test.min}
			err := n.Plan("a", test.before, test.after)
			if test.want == "" {
				require.NoError(t, err)
				return
			}
			var b *guardrails.Breach
			require.ErrorAs(t, err, &b)
			require.Contains(t, b.Reason, test.want)
			require.True(t, b.Cap)
			require.NotEmpty(t, b.Runbook)
		})
	}
	require.Error(t, (&guardrails.NeverEmpty{}).Plan("", 2, 1), "without a name")
}

func TestNeverEmptyCheck(t *testing.T) {
	answer := func(changes ...guardrails.SetChange) func(context.Context, guardrails.Action) ([]guardrails.SetChange, error) {
		return func(context.Context, guardrails.Action) ([]guardrails.SetChange, error) { return changes, nil }
	}
	fine, empty := guardrails.SetChange{Set: "a", Before: 3, After: 2}, guardrails.SetChange{Set: "b", Before: 3}
	for name, test := range map[string]struct {
		guard *guardrails.NeverEmpty
		want  string
	}{
		"the zero value":    {guard: &guardrails.NeverEmpty{}, want: "Sets is nil, so that nobody says"},
		"a negative floor":  {guard: &guardrails.NeverEmpty{Min: -1, PlanOnly: true}, want: "Min is negative"},
		"both ways":         {guard: &guardrails.NeverEmpty{Sets: answer(fine), PlanOnly: true}, want: "PlanOnly is set, and Sets too"},
		"a set that stays":  {guard: &guardrails.NeverEmpty{Sets: answer(fine)}},
		"one of two":        {guard: &guardrails.NeverEmpty{Sets: answer(fine, empty)}, want: "b would be empty"},
		"one that is twice": {guard: &guardrails.NeverEmpty{Sets: answer(fine, fine)}, want: "named twice"},
		"no answer":         {guard: &guardrails.NeverEmpty{Sets: answer()}, want: "Sets named no set"},
		"nonsense":          {guard: &guardrails.NeverEmpty{Sets: answer(guardrails.SetChange{Before: 1, After: 1})}, want: "a set has no name"},
		"an error": {guard: &guardrails.NeverEmpty{Sets: func(context.Context, guardrails.Action) ([]guardrails.SetChange, error) {
			return nil, errors.New("no route")
		}}, want: "no route"},
		"a panic": {guard: &guardrails.NeverEmpty{Sets: func(context.Context, guardrails.Action) ([]guardrails.SetChange, error) { panic("oops") }}, want: "oops"},
		"a hang": {guard: &guardrails.NeverEmpty{Sets: func(ctx context.Context, _ guardrails.Action) ([]guardrails.SetChange, error) {
			<-ctx.Done()
			return nil, context.Cause(ctx)
		}}, want: "no answer within 5s"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				for _, verb := range []guardrails.Verb{guardrails.Unknown, guardrails.Deploy, guardrails.Undo} {
					err := test.guard.Check(t.Context(), guardrails.Action{Verb: verb})
					if test.want == "" {
						require.NoError(t, err)
						continue
					}
					require.ErrorContains(t, err, test.want)
				}
				for _, verb := range []guardrails.Verb{guardrails.Bake, guardrails.Recover} {
					require.NoError(t, test.guard.Check(t.Context(), guardrails.Action{Verb: verb}))
				}
			})
		})
	}
}

// Who does not heed a Plan is stopped, and can still take back what was done.
func TestNeverEmptyRemembersARefusal(t *testing.T) {
	n := &guardrails.NeverEmpty{PlanOnly: true}
	deploy, undo := guardrails.Action{Verb: guardrails.Deploy}, guardrails.Action{Verb: guardrails.Undo}
	require.NoError(t, n.Check(t.Context(), deploy))
	require.Error(t, n.Plan("a", 1, 0))
	require.NoError(t, n.Plan("a", 2, 1))
	require.ErrorContains(t, n.Check(t.Context(), deploy), "a would be empty")
	require.NoError(t, n.Check(t.Context(), undo))
}

func TestNeverEmptySelfTest(t *testing.T) {
	require.NoError(t, (&guardrails.NeverEmpty{PlanOnly: true}).SelfTest(t.Context()))
	require.NoError(t, (&guardrails.NeverEmpty{Min: 100, PlanOnly: true}).SelfTest(t.Context()))
	for _, broken := range []*guardrails.NeverEmpty{{}, {Min: -1, PlanOnly: true}} {
		require.ErrorIs(t, guardrails.SelfTest(t.Context(), broken), guardrails.ErrSelfTest)
	}
	n := &guardrails.NeverEmpty{PlanOnly: true}
	require.NoError(t, n.SelfTest(t.Context()))
	require.NoError(t, n.Check(t.Context(), guardrails.Action{}), "a self-test leaves nothing behind")
}

// A clean-up that asks before it removes anything.
func ExampleNeverEmpty() {
	guard := &guardrails.NeverEmpty{Min: 2, PlanOnly: true}
	fmt.Println(guard.Plan("api.example.org", 5, 4))
	fmt.Println(guard.Plan("api.example.org", 4, 0))
	// Output:
	// <nil>
	// guardrails: never-empty: api.example.org would be empty (4 members now, 0 then; the floor is 2)
}
