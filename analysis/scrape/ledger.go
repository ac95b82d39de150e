package scrape

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"time"
)

// forgetAfter is how long a target that is in neither arm is remembered.
const forgetAfter = time.Hour

// ledger holds an account for every target that was read. It is pure: no I/O
// and no clock.
type ledger map[string]*account

// account is what is known of one target.
type account struct {
	stint
	at     time.Time // of the last reading
	wanted time.Time // when it was last a member
	last   reading   // the last value of every series, also of those now gone
	due    sums      // counted, and not yet part of an observation
}

// enter takes a reading into a target's account. What was counted since the
// last reading becomes due if the target was in its arm all the while.
func (l ledger) enter(e entry, at time.Time, now reading, maxSeries int) error {
	a := l[e.name]
	if a == nil || a.stint != e.stint || a.at.Before(e.since) || otherBounds(a.last, now) {
		l[e.name] = &account{stint: e.stint, at: at, wanted: at, last: now}
		return nil
	}
	if another(a.last.start, now.start, a.at) {
		delete(l, e.name) // what is due may be a mixture already
		return errors.New("another process answers at its address, one that had started before the last reading: URL must lead to one process")
	}
	last := a.last
	if restarted(last, now) {
		last = reading{groups: make([]group, len(now.groups))}
	}
	for i := range now.groups {
		if all := union(last.groups[i], now.groups[i]); all > 2*maxSeries {
			return fmt.Errorf("its series come and go: %d different ones by now, limit %d", all, 2*maxSeries)
		}
	}
	more := make(sums, len(now.groups))
	for i := range now.groups {
		more[i] = advance(last.groups[i], now.groups[i])
	}
	a.due = a.due.plus(more)
	if now.bounds == nil {
		now.bounds = last.bounds // its series are gone for now
	}
	a.at, a.last = at, now
	return nil
}

// otherBounds tells whether two readings are of histograms that have nothing to do
// with each other.
func otherBounds(last, now reading) bool {
	return last.bounds != nil && now.bounds != nil && !slices.Equal(last.bounds, now.bounds)
}

// another tells whether a page comes from another process than the last one
// did. One that was restarted has started since then; two that take turns behind
// one address have not, and would look like one restart after the other.
func another(last, now float64, at time.Time) bool {
	const (
		jitter = 2.0         // the kernel's boot time, and so every start, moves a little
		skew   = time.Minute // between the target's clock and ours
	)
	return last != 0 && now != 0 && math.Abs(last-now) > jitter && now < float64(at.Add(-skew).Unix())
}

// restarted tells whether the process behind a page was started anew, and all
// its counters with it. A new start time alone proves nothing: it may be an
// exporter's, whose restart leaves the counters that it passes on as they were.
func restarted(last, now reading) bool {
	if last.start == now.start || last.start == 0 || now.start == 0 {
		return false
	}
	for i := range now.groups {
		if anyLower(last.groups[i], now.groups[i]) {
			return true
		}
	}
	return false
}

// collect hands out what is due to an arm from the targets that were read. For an
// arm without members it's nil.
func (l ledger) collect(a arm, scraped []outcome) (due sums) {
	for _, s := range scraped {
		if s.arm != a {
			continue
		}
		if due == nil {
			due = sums{}
		}
		if s.err == nil {
			account := l[s.name]
			due = due.plus(account.due)
			account.due = nil
		}
	}
	return due
}

// forget drops the accounts of targets that have long been in neither arm.
func (l ledger) forget(roster []entry, now time.Time) {
	for _, e := range roster {
		if a := l[e.name]; a != nil {
			a.wanted = now
		}
	}
	for name, a := range l {
		if now.Sub(a.wanted) > forgetAfter {
			delete(l, name)
		}
	}
}
