package journaltest

import (
	"context"
	"errors"
	"iter"
	"slices"
	"sync"
	"testing"

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

// aliasing keeps the caller's slice until Close.
func aliasing() *broken {
	var kept [][]rollout.Event
	return &broken{
		append: func(_ rollout.Session, _ context.Context, events []rollout.Event) error {
			kept = append(kept, events)
			return nil
		},
		close: func(_ *broken, _ string, s rollout.Session) error {
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

// A journal that cannot simulate the loss of a lease passes the rest.
func TestRunWithoutAStealer(t *testing.T) {
	type plain struct{ rollout.Journal }
	Run(t, func(testing.TB) rollout.Journal { return plain{new(rollout.MemoryJournal)} })
}
