package guardrails

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"
)

// DefaultSettle is how long a target counts as down from when it may be changed,
// whatever its probe says.
const DefaultSettle = 30 * time.Second

// MinHealthy is the floor under the live capacity: a target is left alone while taking
// it down would leave fewer than Percent of its domain able to serve. The floor holds on
// the way back as well. No override lifts it.
//
// What it would have stopped: AWS S3, 28 February 2017. One wrong input to an
// established playbook removed more servers than was meant, two subsystems had to be
// restarted as a whole, and it took more than four hours. Afterwards their tool would
// not remove capacity that takes a subsystem below its minimum.
//
// What counts as able to serve is the careful side of everything. A target whose health
// is not known is not healthy; neither is one that this guard has let through, until
// Settle is over and a probe that began after that finds it healthy: between the yes and
// the change a probe sees a healthy target. The floor is rounded up: 66% of 5 is 4. But
// a target that its probe found unhealthy costs nothing to change, so it may be changed
// below the floor too, or else a bad version that makes targets unhealthy could never be
// replaced. One that could not be probed has no such privilege.
//
// It minds Deploy, Undo, and a verb that it does not know. At a Start it wants to know
// the health of at least one target, so that a probe that cannot work is found before
// anything is touched; it does not mind there that a domain is below its floor already,
// for the change may be the remedy. Bake and Recover change nothing and pass.
//
// While nothing can be probed, nothing passes, and no Undo either: see UndoBlind.
//
// The zero MinHealthy holds everything that it minds; Problems says what is missing.
// Use it by pointer. All targets are probed again each Every, not for each step; an
// answer counts for twice that. Watched, it does so in the background, and else a Check
// that finds the answers too old waits for new ones, until its ctx is done. What it has
// let through is forgotten when the process ends: after a crash, a target that is down
// has to be seen by its probe. All methods are safe for concurrent use, and several
// rollouts over the same targets should share one; the fields must not be changed after
// the first of them is called.
type MinHealthy struct {
	// Percent is the share of the targets of each domain that stays able to serve,
	// above 0 and below 100. Required.
	Percent float64
	// PerLabel names the label that makes domains, such as "zone". A target without it
	// belongs to the domain "". Empty makes the whole fleet one domain.
	PerLabel string
	// Targets are all that count, by the names that actions have: those that the rollout
	// leaves alone, too, where they serve. Required.
	Targets []Target
	// Probe tells whether a target is able to serve now. An error means that nobody
	// knows. It is called for many targets at once, with a ctx that ends after Timeout.
	// Required.
	Probe func(ctx context.Context, target Target) (bool, error)
	// Settle is how long a target counts as down from when it may be changed. Make it the
	// longest that a step takes until the probe would notice. Zero means DefaultSettle.
	Settle time.Duration
	// Every is the time between two rounds of probes, and Timeout the patience with one
	// probe. Zero means DefaultAskEvery and DefaultAskTimeout.
	Every, Timeout time.Duration
	// UndoBlind, when not empty, is the reason why a change may be taken back although
	// health is not known: for an Undo, an unknown target counts as healthy then. What
	// was let through still counts as down, so a blind rollback goes no faster.
	UndoBlind string

	once   sync.Once
	layout healthLayout
	probes survey[bool]

	mu          sync.Mutex
	down        map[int]time.Time // who was let through, and when, and counts as down
	counted     *reply[bool]      // the first of the round that was counted
	up, unknown []int             // of that round, by domain
}

// healthLayout is what the settings come to.
type healthLayout struct {
	wrong     string // what makes no sense
	questions questions[bool]
	index     map[string]int // of a target, by its name
	domain    []int          // of each target
	domains   []healthDomain
}

type healthDomain struct {
	value          string
	targets, floor int
}

// GuardName returns "min-healthy", and with PerLabel "min-healthy/zone".
func (m *MinHealthy) GuardName() string {
	if m.PerLabel == "" {
		return "min-healthy"
	}
	return "min-healthy/" + m.PerLabel
}

// Problems reports every setting that makes no sense, and each domain that is so small
// that none of its targets could ever be changed.
func (m *MinHealthy) Problems(report func(path, msg string)) {
	sound := m.Percent > 0 && m.Percent < 100
	if !sound {
		report("Percent", fmt.Sprintf("is %v: want a percentage above 0 and below 100", m.Percent))
	}
	if m.Probe == nil {
		report("Probe", "is nil, so no health would ever be known")
	}
	if m.Settle < 0 {
		report("Settle", fmt.Sprintf("is negative (%v)", m.Settle))
	}
	askProblems(report, m.Every, m.Timeout)
	nameProblems(report, len(m.Targets), func(i int) string { return m.Targets[i].Name })
	if !sound {
		return
	}
	_, domains := m.split()
	for _, d := range domains {
		if d.floor >= d.targets {
			report("Percent", fmt.Sprintf("is %v, and %v%% of the %d targets of %s is %d, rounded up, so that none of them could ever be changed",
				m.Percent, m.Percent, d.targets, m.group(d.value), d.floor))
		}
	}
}

// Check returns a *Breach that holds, and is a cap, when the change would leave too few
// targets able to serve, and when that cannot be told.
func (m *MinHealthy) Check(ctx context.Context, act Action) error {
	switch act.Verb {
	case Bake, Recover:
		return nil
	case Unknown, Start, Deploy, Undo: // and every verb to come
	}
	l := m.prepare()
	if l.wrong != "" {
		return m.breach("the capacity floor is not a floor", l.wrong, "Correct the plan's MinHealthy.")
	}
	i, known := l.index[act.Target]
	if act.Verb != Start && !known {
		return m.breach(fmt.Sprintf("%q is none of the targets whose health is known", act.Target), fmt.Sprintf("%d targets are probed", len(m.Targets)),
			"Add the target to MinHealthy.Targets, under the name that the rollout gives it.")
	}
	r, err := m.probes.latest(ctx, &l.questions, l.questions.watched())
	if err != nil {
		b := m.breach("the health of the targets could not be found out: "+err.Error(), "", "Make the probe answer.")
		b.Err = err
		return b
	}
	if act.Verb == Start {
		return m.start(r)
	}
	return m.take(l, r, i, act.Verb == Undo && m.UndoBlind != "")
}

// start wants to know something.
func (m *MinHealthy) start(r round[bool]) error {
	for _, one := range r.replies {
		if one.err == nil {
			return nil
		}
	}
	b := m.breach("nobody knows the health of any target: "+r.replies[0].err.Error(), fmt.Sprintf("%d of %d probes failed", len(r.replies), len(r.replies)),
		"Make the probe work before anything is changed.")
	b.Err = r.replies[0].err
	return b
}

// take counts the target as down if that keeps the floor.
func (m *MinHealthy) take(l *healthLayout, r round[bool], target int, blind bool) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.count(l, r)
	at := l.domain[target]
	d := l.domains[at]
	up, unknown, changing := m.up[at], m.unknown[at], 0
	leave := func(i int) { // it is counted as something else
		switch one := r.replies[i]; {
		case one.err != nil:
			unknown--
		case one.value:
			up--
		}
	}
	leave(target)
	for i := range m.down {
		if i != target && l.domain[i] == at {
			leave(i)
			changing++
		}
	}
	if blind {
		up, unknown = up+unknown, 0
	}
	own := r.replies[target]
	if up < d.floor && (own.err != nil || own.value) {
		return m.breach(fmt.Sprintf("without %s, %d of %d targets of %s would be able to serve", m.Targets[target].Name, up, d.targets, m.group(d.value)),
			fmt.Sprintf("%d healthy, %d unhealthy, %d unknown, %d being changed, and this one; the floor is %v%% = %d",
				up, d.targets-up-unknown-changing-1, unknown, changing, m.Percent, d.floor),
			"Nothing to do while targets come back. If they do not, mend the unhealthy ones, which may be changed all the time; if too many are unknown, mend the probe. No override lifts this floor.")
	}
	if m.down == nil {
		m.down = make(map[int]time.Time)
	}
	m.down[target] = time.Now()
	return nil
}

// count counts what a round found, once, and no longer counts as down who was let through
// so long before it that it could tell. The caller holds mu.
func (m *MinHealthy) count(l *healthLayout, r round[bool]) {
	if m.counted == &r.replies[0] {
		return
	}
	m.counted = &r.replies[0]
	m.up, m.unknown = make([]int, len(l.domains)), make([]int, len(l.domains))
	for i, one := range r.replies {
		switch {
		case one.err != nil:
			m.unknown[l.domain[i]]++
		case one.value:
			m.up[l.domain[i]]++
		}
	}
	for i, since := range m.down {
		if r.began.Sub(since) >= orElse(m.Settle, DefaultSettle) {
			delete(m.down, i)
		}
	}
}

// Watch keeps the health of all targets fresh, and tells when it changes.
func (m *MinHealthy) Watch(ctx context.Context, changed func()) {
	l := m.prepare()
	if l.wrong != "" {
		<-ctx.Done()
		return
	}
	m.probes.watch(ctx, &l.questions, func(r round[bool]) string {
		word := make([]byte, len(r.replies))
		for i, one := range r.replies {
			switch {
			case one.err != nil:
				word[i] = '?'
			case one.value:
				word[i] = '1'
			default:
				word[i] = '0'
			}
		}
		return string(word)
	}, changed)
}

// SelfTest has a floor of the same share refuse what would cross it, forward and back,
// and what nobody can tell. It probes made-up targets only.
func (m *MinHealthy) SelfTest(ctx context.Context) error {
	if wrong := m.prepare().wrong; wrong != "" {
		return errors.New(wrong)
	}
	n := 20
	for shareUp(m.Percent, n) >= n { // 99.9% takes a large fleet
		if n *= 2; n > 1<<14 {
			return fmt.Errorf("a floor of %v%% lets no change be told from another", m.Percent)
		}
	}
	floor := shareUp(m.Percent, n)
	fake := func(healthy int, err error) *MinHealthy {
		f := &MinHealthy{Percent: m.Percent, PerLabel: m.PerLabel, Settle: m.Settle, UndoBlind: m.UndoBlind}
		for i := range n {
			f.Targets = append(f.Targets, Target{Name: strconv.Itoa(i), Labels: map[string]string{m.PerLabel: "self-test"}})
		}
		f.Probe = func(_ context.Context, t Target) (bool, error) {
			i, _ := strconv.Atoi(t.Name)
			return i < healthy, err
		}
		return f
	}
	act := Action{Verb: Deploy, Target: "0"}
	if err := fake(floor+1, nil).Check(ctx, act); err != nil {
		return fmt.Errorf("it refused what keeps the floor: %w", err)
	}
	if err := mustRefuse(ctx, fake(n, errors.New("self-test")), act, "a change to a fleet of unknown health"); err != nil {
		return err
	}
	at := fake(floor, nil)
	if err := mustRefuse(ctx, at, act, "a change to a healthy target of a domain at its floor"); err != nil {
		return err
	}
	act.Verb = Undo
	return mustRefuse(ctx, at, act, "an undo of a healthy target of a domain at its floor")
}

// prepare works the settings out, once.
func (m *MinHealthy) prepare() *healthLayout {
	m.once.Do(func() {
		l := &m.layout
		l.index = make(map[string]int, len(m.Targets))
		l.questions = questions[bool]{
			every: orElse(m.Every, DefaultAskEvery), timeout: orElse(m.Timeout, DefaultAskTimeout),
			ask: func(ctx context.Context, i int) (bool, error) { return m.Probe(ctx, m.Targets[i]) },
		}
		for i, t := range m.Targets {
			l.index[t.Name] = i
			l.questions.names = append(l.questions.names, t.Name)
		}
		if l.wrong = firstProblem(m); l.wrong == "" {
			l.domain, l.domains = m.split()
		}
	})
	return &m.layout
}

// split returns the domain of each target, and all domains.
func (m *MinHealthy) split() (of []int, domains []healthDomain) {
	at := make(map[string]int)
	for _, t := range m.Targets {
		value := ""
		if m.PerLabel != "" {
			value = t.Labels[m.PerLabel]
		}
		d, ok := at[value]
		if !ok {
			d = len(domains)
			at[value] = d
			domains = append(domains, healthDomain{value: value})
		}
		domains[d].targets++
		of = append(of, d)
	}
	for d := range domains {
		domains[d].floor = shareUp(m.Percent, domains[d].targets)
	}
	return of, domains
}

func (m *MinHealthy) breach(reason, evidence, runbook string) *Breach {
	return &Breach{Guard: m.GuardName(), Consequence: Hold, Reason: reason, Evidence: evidence, Runbook: runbook, Cap: true}
}

// group names a domain.
func (m *MinHealthy) group(value string) string {
	if m.PerLabel == "" {
		return "the fleet"
	}
	return fmt.Sprintf("%s %q", m.PerLabel, value)
}
