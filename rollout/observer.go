package rollout

import (
	"log/slog"
	"sync"
	"time"
)

// An Observer is told every event, in order, after it is durable: for logs,
// metrics, pages and progress. It can never hold up or fail a rollout: each has
// a goroutine and a queue of its own, and a panic is logged. An Observer that
// folds the events into a State of its own knows all that the runner knows.
//
// In a Run that resumes it is told the past first, up to the newest Resumed.
type Observer interface{ Observe(Event) }

// ObserverFunc makes a function an Observer.
type ObserverFunc func(Event)

// Observe calls f.
func (f ObserverFunc) Observe(ev Event) { f(ev) }

// observerPatience is how long Run waits, once all is done, for an observer to
// come to the end of its queue.
const observerPatience = 5 * time.Second

// feed brings events to one observer.
type feed struct {
	mu     sync.Mutex
	queue  []Event
	closed bool
	wake   chan struct{} // holds one
	done   chan struct{}
}

func newFeed(o Observer, log *slog.Logger) *feed {
	f := &feed{wake: make(chan struct{}, 1), done: make(chan struct{})}
	go f.run(o, log)
	return f
}

func (f *feed) run(o Observer, log *slog.Logger) {
	defer close(f.done)
	for range f.wake {
		f.mu.Lock()
		batch, closed := f.queue, f.closed
		f.queue = nil
		f.mu.Unlock()
		for _, ev := range batch {
			observe(o, ev, log)
		}
		if closed {
			return
		}
	}
}

func observe(o Observer, ev Event, log *slog.Logger) {
	defer func() {
		if p := recover(); p != nil {
			log.Error("an observer panicked", "event", ev.Kind.String(), "panic", p)
		}
	}()
	o.Observe(ev)
}

func (f *feed) send(events []Event, last bool) {
	f.mu.Lock()
	f.queue = append(f.queue, events...)
	f.closed = f.closed || last
	f.mu.Unlock()
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// close waits for the observer to take in what is queued, for a while.
func (f *feed) close(log *slog.Logger) {
	f.send(nil, true)
	timer := time.NewTimer(observerPatience)
	defer timer.Stop()
	select {
	case <-f.done:
	case <-timer.C:
		log.Warn("an observer is left behind: it did not take in its events", "patience", observerPatience)
	}
}
