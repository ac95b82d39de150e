package guardrails_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/guardrails"
)

// plot is a fleet to try guards on, that counts everything anew each time.
type plot []*spot

type spot struct {
	name              string
	labels            map[string]string
	exposed, unproven bool
}

func (p plot) Tally(label, value string) (t guardrails.Tally) {
	for _, s := range p {
		if (label != "" || value != "") && s.labels[label] != value {
			continue
		}
		t.Targets++
		t.Weight++
		if s.exposed {
			t.Exposed++
			t.ExposedWeight++
		}
		if s.unproven {
			t.Unproven++
			t.UnprovenWeight++
		}
	}
	return t
}

// step asks a guard about a step on a spot, counted as done, and leaves it counted if the
// guard lets it through.
func (p plot) step(t *testing.T, g guardrails.Guard, s *spot) error {
	t.Helper()
	before := *s
	s.exposed, s.unproven = true, true
	err := g.Check(t.Context(), guardrails.Action{
		Verb: guardrails.Deploy, Rollout: "r", Service: "s", From: "v1", To: "v2", Target: s.name, Labels: s.labels, Fleet: p,
	})
	if err != nil {
		*s = before
	}
	return err
}

// pass says that a gate has passed.
func (p plot) pass() {
	for _, s := range p {
		s.unproven = false
	}
}

// refusal returns a guard's no, and requires that it is whole: that it has a name, says
// why, and what to do.
func refusal(t *testing.T, g guardrails.Guard, err error) *guardrails.Breach {
	t.Helper()
	var b *guardrails.Breach
	require.True(t, errors.As(err, &b), "want a breach, got %v", err)
	require.Equal(t, guardrails.Name(g), b.Guard)
	require.Equal(t, guardrails.Hold, b.Consequence)
	require.NotEmpty(t, b.Reason)
	require.NotEmpty(t, b.Runbook)
	return b
}
