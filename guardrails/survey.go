package guardrails

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Defaults of guards that ask every target.
const (
	// DefaultAskEvery is the time between two rounds of questions to all targets.
	DefaultAskEvery = 5 * time.Second
	// DefaultAskTimeout is how long one target may take to answer.
	DefaultAskTimeout = 2 * time.Second
	// askers is how many targets are asked at a time.
	askers = 32
)

// errHangs is the answer of a target that has not come back from the last question.
var errHangs = errors.New("it still hangs on the question before")

// A survey puts one question to every target, again and again. The zero value is ready
// to use, and safe for concurrent use.
type survey[T any] struct {
	rounds asked[round[T]]

	mu      sync.Mutex
	hanging map[string]bool // who has not come back from a question
}

// A round is what all targets answered, in the order in which they are listed.
type round[T any] struct {
	began   time.Time
	replies []reply[T]
}

// A reply is what one target answered: nothing is known of it when err is not nil.
type reply[T any] struct {
	value T
	err   error
}

// questions is what a survey goes by.
type questions[T any] struct {
	names          []string
	every, timeout time.Duration
	ask            func(ctx context.Context, i int) (T, error)
}

// limit is the longest that one round takes, and then some.
func (q *questions[T]) limit() time.Duration {
	return time.Duration(2+len(q.names)/askers) * q.timeout
}

// latest returns a round that is no older than age.
func (s *survey[T]) latest(ctx context.Context, q *questions[T], age time.Duration) (round[T], error) {
	return s.rounds.get(ctx, age, q.limit(), func(ctx context.Context) (round[T], error) { return s.round(ctx, q), nil })
}

// watched is how old a round may be that is asked for again each Every: until the next
// one is complete, the one before it counts.
func (q *questions[T]) watched() time.Duration { return 2 * q.every }

// watch keeps the latest round fresh, and calls changed when what tells makes of it is
// news.
func (s *survey[T]) watch(ctx context.Context, q *questions[T], tells func(round[T]) string, changed func()) {
	s.rounds.watch(ctx, q.every, q.limit(),
		func(ctx context.Context) (round[T], error) { return s.round(ctx, q), nil },
		func(r round[T], err error) string {
			if err != nil {
				return "error: " + err.Error()
			}
			return tells(r)
		}, changed)
}

// round asks everybody.
func (s *survey[T]) round(ctx context.Context, q *questions[T]) round[T] {
	r := round[T]{began: time.Now(), replies: make([]reply[T], len(q.names))}
	next := make(chan int)
	var asking sync.WaitGroup
	for range min(askers, len(q.names)) {
		asking.Go(func() {
			for i := range next {
				r.replies[i].value, r.replies[i].err = s.one(ctx, q, i)
			}
		})
	}
	for i := range q.names {
		next <- i
	}
	close(next)
	asking.Wait()
	return r
}

// one asks one target, which gets no second question before it has come back from the
// first.
func (s *survey[T]) one(ctx context.Context, q *questions[T], i int) (T, error) {
	name := q.names[i]
	s.mu.Lock()
	if s.hanging[name] {
		s.mu.Unlock()
		var none T
		return none, errHangs
	}
	if s.hanging == nil {
		s.hanging = make(map[string]bool)
	}
	s.hanging[name] = true
	s.mu.Unlock()

	ctx, cancel := context.WithTimeoutCause(ctx, q.timeout, fmt.Errorf("no answer within %v", q.timeout))
	defer cancel()
	return guarded(ctx, func(ctx context.Context) (T, error) {
		defer func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			delete(s.hanging, name)
		}()
		return q.ask(ctx, i)
	})
}

// orElse is a duration, or its default if it is not set.
func orElse(d, def time.Duration) time.Duration {
	if d > 0 {
		return d
	}
	return def
}

// askProblems reports times that make no sense.
func askProblems(report func(path, msg string), every, timeout time.Duration) {
	if every < 0 {
		report("Every", fmt.Sprintf("is negative (%v)", every))
	}
	if timeout < 0 {
		report("Timeout", fmt.Sprintf("is negative (%v)", timeout))
	}
}
