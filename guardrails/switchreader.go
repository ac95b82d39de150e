package guardrails

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// A switchReader keeps what is known of one source. All of it belongs to the
// switch's mutex but source and name, which never change.
type switchReader struct {
	source SwitchSource
	name   string
	reads  uint64      // how many were started
	latest *switchRead // nil when none counts
	// The last answer: the number of the read that got it, when that was
	// started, and the reason to trip, empty for "not tripped".
	answered uint64
	good     time.Time
	reason   string
	// The faults since: when the first failed read was started, and why the last
	// one failed.
	bad   time.Time
	fault string
}

// A switchRead is one read of a source, in a goroutine of its own since a
// source may hang.
type switchRead struct {
	number            uint64
	life              <-chan struct{} // closed, it ends the read; nil never does
	started, deadline time.Time
	done              chan struct{}
	over              bool // done is closed
}

// ended tells whether the life of the read has.
func (r *switchRead) ended() bool {
	select {
	case <-r.life:
		return true
	default:
		return false
	}
}

func (r *switchRead) hangs(now time.Time) bool { return !r.over && !now.Before(r.deadline) }

// arm returns the readers, and makes them when it is called first.
func (k *KillSwitch) arm() []*switchReader {
	k.arming.Do(func() {
		readers := make([]*switchReader, len(k.Sources))
		for i, s := range k.Sources {
			readers[i] = &switchReader{source: s, name: sourceName(i, s)}
		}
		k.mu.Lock()
		defer k.mu.Unlock()
		k.readers = readers
	})
	return k.readers
}

func sourceName(i int, s SwitchSource) (name string) {
	defer func() {
		if recover() != nil || name == "" {
			name = fmt.Sprintf("source %d (%T)", i+1, s)
		}
	}()
	return plainText(s.Name())
}

// read makes sure that every source has an answer that is younger than age, or
// that it was asked and has none. The sources are read all at a time. life is
// what the reads may take their time in, wait is how long the caller stays. It
// returns for each source which read, or a later one, was needed.
func (k *KillSwitch) read(life, wait context.Context, age time.Duration) []uint64 {
	readers := k.arm()
	need := make([]uint64, len(readers))
	var pending sync.WaitGroup
	for i, r := range readers {
		need[i] = k.need(r, age)
		if k.join(life, r, need[i]) != nil {
			pending.Go(func() { k.await(life, wait, r, need[i]) })
		}
	}
	pending.Wait()
	return need
}

// need returns the number of the latest read if that is younger than age, and
// else of the next one.
func (k *KillSwitch) need(r *switchReader, age time.Duration) uint64 {
	k.mu.Lock()
	defer k.mu.Unlock()
	if r.latest != nil && time.Since(r.latest.started) < age {
		return r.latest.number
	}
	return r.reads + 1
}

// await returns when the read of that number or a later one is over, when the
// source hangs, or when wait is done.
func (k *KillSwitch) await(life, wait context.Context, r *switchReader, need uint64) {
	for wait.Err() == nil {
		read := k.join(life, r, need)
		if read == nil {
			return
		}
		read.wait(wait)
	}
}

// join returns the read to wait for, and starts one if need be; nil when
// there is nothing to wait for: the needed read is over, or the source hangs
// and gets no second read before it has ended the first.
func (k *KillSwitch) join(life context.Context, r *switchReader, need uint64) *switchRead {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := time.Now()
	switch last := r.latest; {
	case last == nil:
	case last.hangs(now):
		return nil
	case !last.over:
		return last
	case last.number >= need:
		return nil
	}
	r.reads++
	read := &switchRead{number: r.reads, life: life.Done(), started: now, deadline: now.Add(k.patience(r)), done: make(chan struct{})}
	r.latest = read
	go func() {
		ctx, cancel := context.WithDeadlineCause(life, read.deadline, errors.New(noAnswer))
		defer cancel()
		reason, fault := readSource(ctx, r.source)
		k.settle(r, read, reason, fault)
	}()
	return read
}

// patience is how long one read may take: Every, and longer before the first answer.
// Until there is one nothing may begin, and a machine under load is slow to give it.
func (k *KillSwitch) patience(r *switchReader) time.Duration {
	if r.good.IsZero() {
		return max(k.every(), min(MaxSwitchEvery, k.grace()/2))
	}
	return k.every()
}

// wait returns when the read is over or late, or when ctx is done.
func (r *switchRead) wait(ctx context.Context) {
	late := time.NewTimer(time.Until(r.deadline))
	defer late.Stop()
	select {
	case <-r.done:
	case <-late.C:
	case <-ctx.Done():
	}
}

// readSource returns why the source says trip, or what went wrong, or neither.
func readSource(ctx context.Context, s SwitchSource) (reason, fault string) {
	defer func() {
		if p := recover(); p != nil {
			reason, fault = "", plainText(fmt.Sprintf("it panicked: %v", p))
		}
	}()
	tripped, why, err := s.Read(ctx)
	switch {
	case tripped: // whatever the error
		return cmp.Or(plainText(why), "it gave no reason"), ""
	case err == nil:
		return "", ""
	case err == context.DeadlineExceeded: //nolint:errorlint // a bare one says less than this; a wrapped one says more
		return "", noAnswer
	}
	return "", cmp.Or(plainText(err.Error()), "it gave an error without a text")
}

// settle takes in what a read came to.
func (k *KillSwitch) settle(r *switchReader, read *switchRead, reason, fault string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	read.over = true
	close(read.done)
	switch {
	case fault == "":
		r.answered, r.good, r.reason = read.number, read.started, reason
		r.bad, r.fault = time.Time{}, ""
		if reason != "" && k.cause == nil {
			k.trip(r.name, reason)
		}
	case read.ended(): // the watch has ended: that says nothing about the source
		r.latest = nil
	default:
		r.failed(read.started, fault)
	}
}

func (r *switchReader) failed(at time.Time, fault string) {
	if r.bad.IsZero() {
		r.bad = at
	}
	r.fault = fault
}

const noAnswer = "no answer in time"

// assess trips the switch if a source could not be read for longer than Grace,
// and else returns why it holds, if it does. The caller holds mu.
func (k *KillSwitch) assess(now time.Time) (hold string) {
	if k.FailOpen != "" {
		return ""
	}
	for _, r := range k.readers {
		if r.latest != nil && r.latest.hangs(now) {
			r.failed(r.latest.started, noAnswer)
		}
		if failing := now.Sub(r.bad); !r.bad.IsZero() && failing >= k.grace() && k.cause == nil {
			k.trip(r.name, fmt.Sprintf("it can't be read, for %v now: %s", failing.Round(time.Millisecond), r.fault))
		}
		if hold == "" {
			hold = r.holds(now, k.grace())
		}
	}
	if holding := hold != ""; holding != k.holding {
		k.holding = holding
		k.tell()
	}
	return hold
}

// holds says why nothing may pass, if there is no recent answer.
func (r *switchReader) holds(now time.Time, grace time.Duration) string {
	age := now.Sub(r.good)
	if !r.good.IsZero() && age <= grace {
		return ""
	}
	why := cmp.Or(r.fault, "it has not been read yet")
	if r.good.IsZero() {
		return fmt.Sprintf("nobody knows whether %s says trip: %s", r.name, why)
	}
	return fmt.Sprintf("nobody knows whether %s says trip, its last answer is %v old: %s", r.name, age.Round(time.Millisecond), why)
}

// mindsReset says why a reset can't be, after the read of that number.
func (r *switchReader) mindsReset(need uint64, failOpen bool) string {
	answered := r.answered >= need
	why := cmp.Or(r.fault, noAnswer)
	switch {
	case answered && r.reason == "":
		return ""
	case answered:
		return fmt.Sprintf("%s says %q", r.name, r.reason)
	case r.reason != "":
		return fmt.Sprintf("%s said %q when it last answered, and can't be read now: %s", r.name, r.reason, why)
	case failOpen:
		return ""
	}
	return fmt.Sprintf("%s can't be read: %s", r.name, why)
}
