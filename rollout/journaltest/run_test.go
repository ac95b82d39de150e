package journaltest

import (
	"context"
	"errors"
	"iter"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/rollout"
)

// broken is a journal with one promise broken.
type broken struct {
	rollout.MemoryJournal
	open   func(j *broken, ctx context.Context, name string, locks []string) (rollout.Session, error)
	events func(of iter.Seq2[rollout.Event, error]) iter.Seq2[rollout.Event, error]
	append func(s rollout.Session, ctx context.Context, events []rollout.Event) error
	epoch  func(uint64) uint64
	lost   func() <-chan struct{}
	close  func(j *broken, name string, s rollout.Session) error
}

func (j *broken) Open(ctx context.Context, name string, locks ...string) (rollout.Session, error) {
	open := func() (rollout.Session, error) { return j.MemoryJournal.Open(ctx, name, locks...) }
	if j.open != nil {
		open = func() (rollout.Session, error) { return j.open(j, ctx, name, locks) }
	}
	s, err := open()
	if err != nil {
		return nil, err
	}
	return &brokenSession{Session: s, journal: j, name: name}, nil
}

type brokenSession struct {
	rollout.Session
	journal *broken
	name    string
}

func (s *brokenSession) Events() iter.Seq2[rollout.Event, error] {
	if f := s.journal.events; f != nil {
		return f(s.Session.Events())
	}
	return s.Session.Events()
}

func (s *brokenSession) Append(ctx context.Context, events ...rollout.Event) error {
	if f := s.journal.append; f != nil {
		return f(s.Session, ctx, events)
	}
	return s.Session.Append(ctx, events...)
}

func (s *brokenSession) Epoch() uint64 {
	if f := s.journal.epoch; f != nil {
		return f(s.Session.Epoch())
	}
	return s.Session.Epoch()
}

func (s *brokenSession) Lost() <-chan struct{} {
	if f := s.journal.lost; f != nil {
		return f()
	}
	return s.Session.Lost()
}

func (s *brokenSession) Close() error {
	if f := s.journal.close; f != nil {
		return f(s.journal, s.name, s.Session)
	}
	return s.Session.Close()
}

// Each rule is there for a way to break it, and finds that.
func TestEveryRuleFindsABreach(t *testing.T) {
	type session = rollout.Session
	journals := map[string]func() *broken{
		"a new rollout is empty": func() *broken {
			return &broken{epoch: func(e uint64) uint64 { return e - 1 }}
		},
		"order and content": func() *broken {
			return &broken{append: func(s session, ctx context.Context, events []rollout.Event) error {
				slices.Reverse(events)
				return s.Append(ctx, events...)
			}}
		},
		"events of before Open": oneForAll,
		"the caller's slice":    aliasing,
		"rollouts are apart":    oneForAll,
		"one holder":            noLease,
		"a lock has one rollout": func() *broken {
			return &broken{open: func(j *broken, ctx context.Context, name string, _ []string) (session, error) {
				return j.MemoryJournal.Open(ctx, name)
			}}
		},
		"a lock outlives its session": freesAll(rollout.Unknown),
		"Ended frees locks at Close": func() *broken {
			return &broken{close: func(_ *broken, _ string, s session) error {
				return errors.Join(s.Append(context.Background(), rollout.Event{Kind: rollout.Interrupted}), s.Close())
			}}
		},
		"halted keeps locks": freesAll(rollout.Ended),
		"nothing recorded, nothing held": func() *broken {
			return &broken{close: func(_ *broken, _ string, s session) error {
				_ = s.Append(context.Background(), rollout.Event{Kind: rollout.Interrupted})
				return s.Close()
			}}
		},
		"locks are all or nothing": func() *broken {
			return &broken{open: func(j *broken, ctx context.Context, name string, locks []string) (session, error) {
				s, err := j.MemoryJournal.Open(ctx, name, locks...)
				if err != nil {
					_, _ = j.MemoryJournal.Open(ctx, name)
				}
				return s, err
			}}
		},
		"the epoch grows": func() *broken { return &broken{epoch: func(uint64) uint64 { return 7 }} },
		"batches stay whole": func() *broken {
			return &broken{append: func(s session, ctx context.Context, events []rollout.Event) error {
				for i := range events {
					if err := s.Append(ctx, events[len(events)-1-i]); err != nil {
						return err
					}
				}
				return nil
			}}
		},
		"Append after Close": func() *broken {
			return &broken{append: func(s session, ctx context.Context, events []rollout.Event) error {
				_ = s.Append(ctx, events...)
				return nil
			}}
		},
		"Close twice": func() *broken {
			return &broken{close: func(j *broken, name string, s session) error {
				j.Steal(name)
				return s.Close()
			}}
		},
		"a cancelled context": func() *broken {
			return &broken{append: func(s session, _ context.Context, events []rollout.Event) error {
				return s.Append(context.Background(), events...)
			}}
		},
		"one holder of many": func() *broken {
			return &broken{open: func(j *broken, ctx context.Context, name string, locks []string) (session, error) {
				for {
					s, err := j.MemoryJournal.Open(ctx, name, locks...)
					if err == nil {
						return s, nil
					}
					j.Steal(name)
				}
			}}
		},
		"a lock has one rollout of many": locksOnPaper,
		"an Append that fails": func() *broken {
			return &broken{append: func(s session, ctx context.Context, events []rollout.Event) error {
				_ = s.Append(ctx, events[1:]...)
				return errors.New("the network is gone")
			}}
		},
		"fencing of many": func() *broken {
			return &broken{append: func(s session, ctx context.Context, events []rollout.Event) error {
				_ = s.Append(ctx, events...)
				return nil
			}}
		},
		"a crash keeps what was recorded": aliasing,
		"a crash keeps locks":             locksOnPaper,
		"a crash before anything": func() *broken {
			return &broken{open: func(j *broken, ctx context.Context, name string, locks []string) (session, error) {
				s, err := j.MemoryJournal.Open(ctx, name, locks...)
				if err == nil {
					err = s.Append(ctx, rollout.Event{Kind: rollout.Interrupted})
				}
				return s, err
			}}
		},
		"a crash after Ended": func() *broken {
			return &broken{append: func(s session, ctx context.Context, events []rollout.Event) error {
				return s.Append(ctx, append(events, rollout.Event{Kind: rollout.Interrupted})...)
			}}
		},
		"fencing": func() *broken { return &broken{lost: func() <-chan struct{} { return make(chan struct{}) }} },
	}
	for _, r := range rules {
		t.Run(r.name, func(t *testing.T) {
			require.NotEmpty(t, r.explanation)
			require.NoError(t, r.check(t.Context(), new(rollout.MemoryJournal)), "a good journal passes")
			journal := journals[r.name]
			require.NotNil(t, journal, "a rule without a journal that breaks it")
			require.Error(t, r.check(t.Context(), journal()))
		})
	}
}

// What a journal can get wrong in more ways than one.
func TestRulesFindOtherBreaches(t *testing.T) {
	type session = rollout.Session
	for _, c := range []struct {
		name, rule string
		journal    *broken
	}{
		{"a stale session is let in", "fencing", &broken{append: func(s session, ctx context.Context, events []rollout.Event) error {
			_ = s.Append(ctx, events...)
			return nil
		}}},
		{"a stale session gets another error", "fencing", &broken{append: func(s session, ctx context.Context, events []rollout.Event) error {
			if s.Append(ctx, events...) != nil {
				return errors.New("connection reset")
			}
			return nil
		}}},
		{"a stale session's Close takes the rollout from its holder", "fencing", &broken{close: func(j *broken, name string, s session) error {
			j.Steal(name)
			return s.Close()
		}}},
		{"the holder's epoch is the old one", "fencing", &broken{epoch: func(uint64) uint64 { return 1 }}},
		{"an Append that fails leaves its events in another order", "an Append that fails", &broken{append: func(s session, ctx context.Context, events []rollout.Event) error {
			slices.Reverse(events)
			_ = s.Append(ctx, events...)
			return errors.New("the network is gone")
		}}},
		{"what is acknowledged is lost", "an Append that fails", &broken{append: func(session, context.Context, []rollout.Event) error { return nil }}},
		{"Appends at once are mixed", "a crash keeps what was recorded", mixing()},
		{"nobody is let in", "one holder of many", &broken{open: func(*broken, context.Context, string, []string) (session, error) {
			return nil, &rollout.HeldError{Holder: "nobody"}
		}}},
		{"who is refused gets another error", "one holder of many", &broken{open: func(j *broken, ctx context.Context, name string, locks []string) (session, error) {
			s, err := j.MemoryJournal.Open(ctx, name, locks...)
			if err != nil {
				err = errors.New("try again")
			}
			return s, err
		}}},
		{"Ended as halted frees the locks in a crash", "a crash after Ended", locksOnPaper()},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, r := range rules {
				if r.name == c.rule {
					require.Error(t, r.check(t.Context(), c.journal))
				}
			}
		})
	}
}

// locksOnPaper asks for locks, and does without those that others have.
func locksOnPaper() *broken {
	return &broken{open: func(j *broken, ctx context.Context, name string, locks []string) (rollout.Session, error) {
		s, err := j.MemoryJournal.Open(ctx, name, locks...)
		if held := (*rollout.HeldError)(nil); errors.As(err, &held) && held.Lock != "" {
			return j.MemoryJournal.Open(ctx, name)
		}
		return s, err
	}}
}

// mixing appends event by event, and lets others in between.
func mixing() *broken {
	return &broken{append: func(s rollout.Session, ctx context.Context, events []rollout.Event) error {
		for _, ev := range events {
			if err := s.Append(ctx, ev); err != nil {
				return err
			}
			time.Sleep(time.Millisecond)
		}
		return nil
	}}
}

// aliasing keeps the caller's slice until Close.
func aliasing() *broken {
	var mu sync.Mutex
	var kept [][]rollout.Event
	return &broken{
		append: func(_ rollout.Session, _ context.Context, events []rollout.Event) error {
			mu.Lock()
			defer mu.Unlock()
			kept = append(kept, events)
			return nil
		},
		close: func(_ *broken, _ string, s rollout.Session) error {
			mu.Lock()
			defer mu.Unlock()
			for _, events := range kept {
				_ = s.Append(context.Background(), events...)
			}
			kept = nil
			return s.Close()
		},
	}
}

// oneForAll keeps the events of all rollouts together.
func oneForAll() *broken {
	var mu sync.Mutex
	var all []rollout.Event
	return &broken{
		append: func(_ rollout.Session, _ context.Context, events []rollout.Event) error {
			mu.Lock()
			defer mu.Unlock()
			all = append(all, events...)
			return nil
		},
		events: func(iter.Seq2[rollout.Event, error]) iter.Seq2[rollout.Event, error] {
			return func(yield func(rollout.Event, error) bool) {
				for _, ev := range all {
					if !yield(ev, nil) {
						return
					}
				}
			}
		},
	}
}

// noLease lets anyone in.
func noLease() *broken {
	return &broken{open: func(j *broken, ctx context.Context, name string, locks []string) (rollout.Session, error) {
		j.Steal(name)
		return j.MemoryJournal.Open(ctx, name, locks...)
	}}
}

// freesAll frees locks at Close whatever the last event; with Ended, only
// whatever its outcome.
func freesAll(kind rollout.Kind) func() *broken {
	return func() *broken {
		var last rollout.Event
		return &broken{
			append: func(s rollout.Session, ctx context.Context, events []rollout.Event) error {
				if len(events) > 0 {
					last = events[len(events)-1]
				}
				return s.Append(ctx, events...)
			},
			close: func(_ *broken, _ string, s rollout.Session) error {
				if kind == rollout.Unknown || last.Kind == kind {
					_ = s.Append(context.Background(), rollout.Event{Kind: rollout.Ended, Outcome: rollout.Completed})
				}
				return s.Close()
			},
		}
	}
}

// A journal that cannot simulate the loss of a lease, or a crash, passes the rest.
func TestRunWithoutAStealer(t *testing.T) {
	type plain struct{ rollout.Journal }
	Run(t, func(testing.TB) rollout.Journal { return plain{new(rollout.MemoryJournal)} })
}

// A Crasher is asked for a crash, and nobody else.
func TestRunWithACrasher(t *testing.T) {
	crashed := 0
	Run(t, func(testing.TB) rollout.Journal {
		return crasher{Journal: new(rollout.MemoryJournal), crashed: &crashed}
	})
	require.Greater(t, crashed, 3)
}

type crasher struct {
	rollout.Journal
	crashed *int
}

func (c crasher) Crash(name string) {
	*c.crashed++
	c.Journal.(*rollout.MemoryJournal).Steal(name)
}
