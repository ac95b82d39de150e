package guardrails_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/guardrails"
)

// Whom a guard asks may hang and not heed its ctx, as a file on a server that is gone.
// It is asked once, and no more until it has answered; meanwhile everything is held.
func TestWhatHangsIsAskedOnce(t *testing.T) {
	for name, guarding := range map[string]func(hang func()) guardrails.Guard{
		"error-budget": func(hang func()) guardrails.Guard {
			return &guardrails.ErrorBudget{Budget: func(context.Context) (float64, error) { hang(); return 1, nil }}
		},
		"approval": func(hang func()) guardrails.Guard {
			return &guardrails.Approval{Author: "alice", Need: 1, Source: func(context.Context) ([]guardrails.Approved, error) {
				hang()
				return []guardrails.Approved{{At: time.Now(), Actor: "bob", Plan: "p"}}, nil
			}}
		},
		"no-incident": func(hang func()) guardrails.Guard {
			return &guardrails.NoIncident{Sources: []guardrails.SwitchSource{
				guardrails.IncidentFunc("x", func(context.Context) (string, error) { hang(); return "", nil }),
			}}
		},
		"dead-man": func(hang func()) guardrails.Guard {
			return &guardrails.DeadMan{Source: func(context.Context) (time.Time, error) { hang(); return time.Now(), nil }}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var asked atomic.Int32
				answer := make(chan struct{})
				guard := guarding(func() {
					if asked.Add(1) == 1 {
						<-answer
					}
				})
				for range 20 {
					require.NotNil(t, no(t, guard, guardrails.Action{Verb: guardrails.Deploy, Plan: "p"}))
					time.Sleep(time.Minute)
				}
				require.EqualValues(t, 1, asked.Load())
				close(answer)
				synctest.Wait()
				require.Nil(t, no(t, guard, guardrails.Action{Verb: guardrails.Deploy, Plan: "p"}))
				require.EqualValues(t, 2, asked.Load())
			})
		})
	}
}
