package httpx

import (
	"errors"
	"fmt"
	"sync"
	"time"
)

// ErrOpen is returned for a call that was not made, since the calls before it to
// the same host failed, one after the other.
var ErrOpen = errors.New("not asked: the circuit is open")

// Defaults of a Client's circuits.
const (
	DefaultOpenAfter   = 5
	DefaultCoolDownMin = 10 * time.Second
	DefaultCoolDownMax = 2 * time.Minute
)

// circuits keeps a circuit for each host that fails, so that a host that is down
// costs its callers no time, and is left alone while it gets up.
//
// A circuit is closed until a number of calls in a row have failed. Then it is
// open: no call is made until it has cooled down. After that, one call is let
// through as a trial. If it works, the circuit is closed; if not, it cools down
// again, twice as long. Hosts that work have no circuit at all. It is safe for
// concurrent use.
type circuits struct {
	openAfter         int           // failed calls in a row
	shortest, longest time.Duration // to cool down

	mu     sync.Mutex
	byHost map[string]*circuit
	swept  int // how many were left when they were last swept
}

type circuit struct {
	failed int       // calls in a row
	opened int       // times in a row, 0 while it is closed
	until  time.Time // when the next trial may be made
	trying bool      // a trial is under way
	last   string    // how the last call failed
	at     time.Time // when that was
}

// verdict is what a call says of its host.
type verdict uint8

const (
	noVerdict verdict = iota // the caller gave up, or the host was never asked
	working
	failing
)

// enter asks whether a call may be made now. If so, it says whether it is a trial,
// and the call must end with leave.
func (c *circuits) enter(host string, now time.Time) (trial bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	circuit := c.byHost[host]
	switch {
	case circuit == nil || circuit.opened == 0:
		return false, nil
	case now.Before(circuit.until):
		next := circuit.until.Sub(now).Round(time.Millisecond)
		return false, fmt.Errorf("%w after %d failed calls in a row, next try in %v: the last one failed with: %s", ErrOpen, circuit.failed, next, circuit.last)
	case circuit.trying:
		return false, fmt.Errorf("%w after %d failed calls in a row, another call is trying now: the last one failed with: %s", ErrOpen, circuit.failed, circuit.last)
	}
	circuit.trying = true
	return true, nil
}

// leave enters what a call has shown, and how it failed if it did.
func (c *circuits) leave(host string, now time.Time, trial bool, v verdict, how string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	circuit := c.byHost[host]
	if circuit != nil && trial {
		circuit.trying = false
	}
	switch v {
	case working:
		delete(c.byHost, host)
		return
	case noVerdict:
		return // the next call is the trial, if this one was
	}
	if circuit == nil {
		c.sweep(now)
		circuit = c.add(host)
	}
	if circuit.opened > 0 && !trial {
		return // made before it opened: that says nothing new
	}
	circuit.failed++
	circuit.last, circuit.at = how, now
	if circuit.failed >= c.openAfter {
		circuit.opened++
		circuit.until = now.Add(backoff(circuit.opened, c.shortest, c.longest))
	}
}

func (c *circuits) add(host string) *circuit {
	if c.byHost == nil {
		c.byHost = make(map[string]*circuit)
	}
	made := new(circuit)
	c.byHost[host] = made
	return made
}

// sweep forgets hosts that nobody has called for long: targets come and go, and
// those that are gone failed last. It does so whenever there are twice as many as
// the last sweep left, so that a failure costs little more, however many hosts.
func (c *circuits) sweep(now time.Time) {
	const few = 64
	if len(c.byHost) < max(few, 2*c.swept) {
		return
	}
	for host, circuit := range c.byHost {
		if !circuit.trying && now.Sub(circuit.at) > 2*c.longest {
			delete(c.byHost, host)
		}
	}
	c.swept = len(c.byHost)
}
