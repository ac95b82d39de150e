package guardrails_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/guardrails"
)

// teller is a guard that says what it is told to, and keeps the verbs it was asked about.
type teller struct {
	no    atomic.Pointer[guardrails.Breach]
	verbs chan guardrails.Verb
}

func (s *teller) Check(_ context.Context, act guardrails.Action) error {
	select {
	case s.verbs <- act.Verb:
	default:
	}
	if b := s.no.Load(); b != nil {
		return b
	}
	return nil
}

func (s *teller) GuardName() string { return "says" }

// tester is a guard whose self-test and settings are given.
type tester struct {
	guardrails.Func
	test    error
	problem string
}

func (s tester) SelfTest(context.Context) error { return s.test }

func (s tester) Problems(report func(path, msg string)) {
	if s.problem != "" {
		report("Limit", s.problem)
	}
}

// rude is a guard that panics when it is asked about its settings.
type rude struct{ guardrails.Func }

func (rude) Problems(func(path, msg string)) { panic("no manners") }

// slow is a guard whose self-test ends with its context.
type slow struct{ guardrails.Func }

func (slow) SelfTest(ctx context.Context) error {
	<-ctx.Done()
	return context.Cause(ctx)
}

func TestDoWithASelfTestThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		err := guardrails.Do(t.Context(), []guardrails.Guard{slow{content}}, func(context.Context) error { return nil })
		require.ErrorIs(t, err, guardrails.ErrRefused)
		require.ErrorIs(t, err, guardrails.ErrSelfTest)
		require.ErrorContains(t, err, "no answer within 5s")
	})
}

func content(context.Context, guardrails.Action) error { return nil }

func TestDoRefuses(t *testing.T) {
	yes := guardrails.Func(content)
	hold := &guardrails.Breach{Guard: "freeze", Reason: "it is Friday"}
	halt := &guardrails.Breach{Guard: "kill", Reason: "no more", Consequence: guardrails.Halt}
	done, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("ctrl-C"))
	for name, test := range map[string]struct {
		ctx    context.Context
		guards []guardrails.Guard
		want   string
		is     error
	}{
		"without guards":   {guards: nil, want: "guards are none: nothing would be let through"},
		"for a nil guard":  {guards: []guardrails.Guard{yes, nil}, want: "guards[1] is nil: it could let nothing through"},
		"for a setting":    {guards: []guardrails.Guard{tester{Func: content, problem: "is negative"}}, want: "guards[0].Limit is negative"},
		"for a self-test":  {guards: []guardrails.Guard{tester{Func: content, test: errors.New("it let through a bad one")}}, want: "it let through a bad one", is: guardrails.ErrSelfTest},
		"for bad manners":  {guards: []guardrails.Guard{rude{content}}, want: "no manners"},
		"for a breach":     {guards: []guardrails.Guard{yes, guardrails.Func(func(context.Context, guardrails.Action) error { return hold })}, want: "freeze: it is Friday", is: hold},
		"for the gravest":  {guards: []guardrails.Guard{guardrails.Func(func(context.Context, guardrails.Action) error { return hold }), guardrails.Func(func(context.Context, guardrails.Action) error { return halt })}, want: "kill: no more", is: halt},
		"for an error":     {guards: []guardrails.Guard{guardrails.Func(func(context.Context, guardrails.Action) error { return errors.New("no route") })}, want: "no route", is: guardrails.ErrBreach},
		"for a panic":      {guards: []guardrails.Guard{guardrails.Func(func(context.Context, guardrails.Action) error { panic("oops") })}, want: "oops", is: guardrails.ErrBreach},
		"for a done ctx":   {ctx: done, guards: []guardrails.Guard{yes}, want: "ctrl-C"},
		"what can't count": {guards: []guardrails.Guard{guardrails.MaxExposure{Percent: 10}}, want: "it is not known how much is exposed", is: guardrails.ErrBreach},
	} {
		t.Run(name, func(t *testing.T) {
			ctx := test.ctx
			if ctx == nil {
				ctx = t.Context()
			}
			err := guardrails.Do(ctx, test.guards, func(context.Context) error {
				t.Error("it ran")
				return nil
			})
			require.ErrorIs(t, err, guardrails.ErrRefused)
			require.NotErrorIs(t, err, guardrails.ErrStopped)
			require.ErrorContains(t, err, test.want)
			if test.is != nil {
				require.ErrorIs(t, err, test.is)
			}
		})
	}
	require.ErrorIs(t, guardrails.Do(t.Context(), []guardrails.Guard{yes}, nil), guardrails.ErrRefused)
}

func TestDoReturnsWhatTheFunctionDoes(t *testing.T) {
	guards := []guardrails.Guard{guardrails.Func(content)}
	require.NoError(t, guardrails.Do(t.Context(), guards, func(context.Context) error { return nil }))
	failed := errors.New("row 7")
	require.Equal(t, failed, guardrails.Do(t.Context(), guards, func(context.Context) error { return failed }))
	require.PanicsWithValue(t, "row 8", func() {
		_ = guardrails.Do(t.Context(), guards, func(context.Context) error { panic("row 8") })
	})
}

func TestDoAsksAboutTheVerb(t *testing.T) {
	for verb, want := range map[guardrails.Verb][]guardrails.Verb{
		guardrails.Unknown: {guardrails.Start, guardrails.Deploy, guardrails.Deploy, guardrails.Deploy},
		guardrails.Undo:    {guardrails.Undo, guardrails.Undo, guardrails.Undo},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := &teller{verbs: make(chan guardrails.Verb, 100)}
			g := guardrails.Guarded{Guards: []guardrails.Guard{s}, Action: guardrails.Action{Verb: verb}}
			require.NoError(t, g.Do(t.Context(), func(context.Context) error {
				time.Sleep(1500 * time.Millisecond)
				return nil
			}))
			var asked []guardrails.Verb
			for len(s.verbs) > 0 {
				asked = append(asked, <-s.verbs)
			}
			require.Equal(t, want, asked)
		})
	}
}

// Atlassian, April 2022: a script deletes site after site, and somebody sees it. With
// a guard it stops within a second; without one it goes on to the end.
func TestDoStopsAScript(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var sites int
		script := func(ctx context.Context) error {
			for range 883 {
				select {
				case <-time.After(1560 * time.Millisecond): // 23 minutes in all
				case <-ctx.Done():
					return context.Cause(ctx)
				}
				sites++
			}
			return nil
		}
		begin := time.Now()
		kill := &guardrails.KillSwitch{}
		time.AfterFunc(8*time.Minute, func() { _ = kill.Trip("support", "the first ticket: a site is gone") })
		err := guardrails.Do(t.Context(), []guardrails.Guard{kill}, script)
		require.Equal(t, 8*time.Minute, time.Since(begin), "a switch that is watched stops at once")
		require.ErrorIs(t, err, guardrails.ErrStopped)
		require.NotErrorIs(t, err, guardrails.ErrRefused)
		var breach *guardrails.Breach
		require.ErrorAs(t, err, &breach)
		require.Equal(t, guardrails.Halt, breach.Consequence)
		require.Equal(t, 307, sites)

		sites = 0
		require.NoError(t, script(t.Context()))
		require.Equal(t, 883, sites)
	})
}

// A guard that brings no news is polled each second, and the function gets the breach
// as the cause.
func TestDoPolls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &teller{}
		begin := time.Now()
		time.AfterFunc(2500*time.Millisecond, func() { s.no.Store(&guardrails.Breach{Reason: "it is Friday"}) })
		own := errors.New("half done")
		err := guardrails.Do(t.Context(), []guardrails.Guard{s}, func(ctx context.Context) error {
			<-ctx.Done()
			require.ErrorContains(t, context.Cause(ctx), "it is Friday")
			time.Sleep(200 * time.Millisecond)
			return own
		})
		require.Equal(t, 3200*time.Millisecond, time.Since(begin))
		require.ErrorIs(t, err, guardrails.ErrStopped)
		require.ErrorIs(t, err, own)
		require.EqualError(t, err, "guardrails: stopped: guardrails: says: it is Friday; it ended 200ms later: half done")
	})
}

// A breach is told even if the function came to a good end.
func TestDoTellsOfABreachThatWasIgnored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &teller{}
		err := guardrails.Do(t.Context(), []guardrails.Guard{s}, func(ctx context.Context) error {
			s.no.Store(&guardrails.Breach{Reason: "it is Friday"})
			<-ctx.Done()
			return nil
		})
		require.EqualError(t, err, "guardrails: stopped: guardrails: says: it is Friday; it ended 0s later, without an error")
	})
}

// What is said while the function stops counts too, if it is graver.
func TestDoTellsTheGravestBreach(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &teller{}
		err := guardrails.Do(t.Context(), []guardrails.Guard{s}, func(ctx context.Context) error {
			s.no.Store(&guardrails.Breach{Reason: "it is Friday"})
			<-ctx.Done()
			s.no.Store(&guardrails.Breach{Reason: "everybody stop", Consequence: guardrails.Halt})
			time.Sleep(1500 * time.Millisecond)
			return nil
		})
		require.ErrorContains(t, err, "everybody stop")
	})
}

// A function that ignores its context is waited for, with a note after the grace.
func TestDoWaitsForTheDeaf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log shared
		s := &teller{}
		g := guardrails.Guarded{Guards: []guardrails.Guard{s}, Grace: time.Minute, Log: slog.New(slog.NewTextHandler(&log, nil))}
		var after string
		err := g.Do(t.Context(), func(context.Context) error {
			time.Sleep(100 * time.Millisecond)
			s.no.Store(&guardrails.Breach{Reason: "it is Friday"})
			time.Sleep(60 * time.Second)
			synctest.Wait()
			after = log.String()
			time.Sleep(time.Hour)
			return nil
		})
		require.Empty(t, after)
		require.Contains(t, log.String(), "has not ended")
		require.Contains(t, log.String(), "it is Friday")
		require.ErrorContains(t, err, "it ended 1h0m59.1s later")
	})
}

// shared is a buffer for several goroutines.
type shared struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *shared) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *shared) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// A guard that hangs says no, and does not keep Do.
func TestDoWithAGuardThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		defer close(release)
		var deaf atomic.Bool
		g := guardrails.Func(func(context.Context, guardrails.Action) error {
			if deaf.Load() {
				<-release
			}
			return nil
		})
		begin := time.Now()
		err := guardrails.Do(t.Context(), []guardrails.Guard{g}, func(ctx context.Context) error {
			deaf.Store(true)
			<-ctx.Done()
			return nil
		})
		require.ErrorIs(t, err, guardrails.ErrStopped)
		require.ErrorContains(t, err, "no answer within 5s")
		require.LessOrEqual(t, time.Since(begin), 7*time.Second)
	})
}

// The caller's context reaches the function, and is no breach.
func TestDoWithAContextThatEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		stop := errors.New("ctrl-C")
		time.AfterFunc(time.Second, func() { cancel(stop) })
		err := guardrails.Do(ctx, []guardrails.Guard{&guardrails.KillSwitch{}}, func(ctx context.Context) error {
			<-ctx.Done()
			return context.Cause(ctx)
		})
		require.Equal(t, stop, err)
	})
}
