package rollout

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"time"

	"github.com/tidegate-go/tidegate/rollback"
)

// executor carries out steps. All but results and wake belong to the loop.
type executor struct {
	e      *engine
	units  []unit
	groups []*group // by step; nil for a step that is not running
	list   []int32  // the steps that are running
	pos    []int32  // by step: where in list
	marks  []uint32 // by step: the round that last wanted it
	round  uint32
	deaf   map[int]*leftBehind // by step

	start, fresh []Effect // scratch

	mu      sync.Mutex
	results []stepResult
	spare   []stepResult  // belongs to the loop: the slice that is not in use
	wake    chan struct{} // holds one: there are results
}

// group is what was started together: it shares a context, and with that one
// timer. The core never wants one step of a group and not another.
type group struct {
	kind      EffectKind
	jitter    time.Duration // within which its steps begin
	ctx       context.Context
	cancel    context.CancelCauseFunc
	left      int
	deadline  time.Time // past it, what still runs does not heed its context
	cancelled time.Time
}

// leftBehind is what of one step did not return in time, and may take effect at any time.
type leftBehind struct {
	tries int
	gone  chan struct{} // closed when all of it has returned
}

type stepResult struct {
	index    int
	group    *group
	attempts int
	err      error
}

func newExecutor(e *engine) *executor { return &executor{e: e, wake: make(chan struct{}, 1)} }

func (x *executor) active() int { return len(x.list) }

func (x *executor) isRunning(i int) bool { return i < len(x.groups) && x.groups[i] != nil }

// keepOnly cancels what runs and is not among the wanted.
func (x *executor) keepOnly(wanted []Effect) {
	if len(x.list) == 0 {
		return
	}
	x.round++
	for _, eff := range wanted {
		if eff.Begun && (eff.Kind == DoStep || eff.Kind == UndoStep) {
			x.marks[eff.Index] = x.round
		}
	}
	for _, i := range x.list {
		if g := x.groups[i]; x.marks[i] != x.round && g.cancelled.IsZero() {
			g.cancelled = time.Now()
			g.cancel(x.why())
		}
	}
}

// why says why what runs is cancelled.
func (x *executor) why() error {
	switch phase := x.e.state.phase; {
	case x.e.fatal != nil:
		return errors.New("the runner had to stop")
	case x.e.stop != running:
		return errors.New("the runner was interrupted")
	case phase == RollingBack:
		return errors.New("the change is being taken back")
	default:
		return fmt.Errorf("the rollout is %v", phase)
	}
}

// launch starts steps whose beginning is on record.
func (x *executor) launch(effects []Effect) {
	if len(effects) == 0 {
		return
	}
	if x.groups == nil {
		n := len(x.units)
		x.groups, x.pos, x.marks = make([]*group, n), make([]int32, n), make([]uint32, n)
	}
	jitter := x.jitter(effects)
	var do, undo *group
	for _, eff := range effects {
		g := &do
		if eff.Kind == UndoStep {
			g = &undo
		}
		if *g == nil {
			*g = x.newGroup(eff.Kind, jitter)
		}
		(*g).left++
		x.groups[eff.Index] = *g
		x.pos[eff.Index] = int32(len(x.list))
		x.list = append(x.list, int32(eff.Index))
		go x.carryOut(*g, eff, x.deafTo(eff.Index))
	}
}

// jitter is how far apart the undos among the effects begin: where several begin a batch.
// What follows within it begins as others end, and the canary begins at once.
func (x *executor) jitter(effects []Effect) time.Duration {
	undos := 0
	for _, eff := range effects {
		undos += count(eff.Kind == UndoStep)
	}
	if s := &x.e.state; s.back.batches == 0 || undos < 2 || undos < s.batch {
		return 0
	}
	return x.e.plan.Rollback.WithDefaults().Jitter
}

func (x *executor) newGroup(kind EffectKind, jitter time.Duration) *group {
	g := &group{kind: kind}
	if kind == DoStep {
		limit := orDefault(x.e.plan.StepTimeout, DefaultStepTimeout)
		g.deadline = time.Now().Add(limit)
		timed, stop := context.WithDeadlineCause(x.e.base, g.deadline, fmt.Errorf("not done within the step timeout of %v", limit))
		ctx, cancel := context.WithCancelCause(timed)
		g.ctx, g.cancel = ctx, func(cause error) {
			cancel(cause)
			stop()
		}
		return g
	}
	p := x.e.plan.Rollback.WithDefaults()
	g.ctx, g.cancel = context.WithCancelCause(x.e.base)
	g.jitter = jitter
	g.deadline = time.Now().Add(g.jitter + time.Duration(p.Attempts+1)*(p.Timeout+rollback.MaxPause))
	return g
}

// carryOut carries out one step. deaf is not nil when an earlier try at the step was
// left behind, and closed once that has returned.
func (x *executor) carryOut(g *group, eff Effect, deaf <-chan struct{}) {
	r := stepResult{index: eff.Index, group: g, attempts: 1, err: errors.New("the deployer ended its goroutine")}
	defer x.deliver(&r) // after runtime.Goexit too
	u := &x.units[eff.Index]
	release := x.e.plan.Release
	release.Fence, release.Key = x.e.session.Epoch(), x.e.plan.Name+"/"+eff.Key()
	release.Wave, release.Undo = eff.Wave, eff.Kind == UndoStep
	carry := func() (int, error) { return 1, x.e.do(g.ctx, u, release) }
	if eff.Kind == UndoStep {
		release.From, release.To = eff.From, eff.Version
		carry = func() (int, error) { return x.e.undo(g.ctx, u, release) }
	}
	tries, err := 1, g.spread()
	if err == nil {
		tries, err = carry()
	}
	if deaf != nil && err == nil {
		err = x.e.onceMore(g.ctx, deaf, carry)
	}
	r.attempts, r.err = tries, err // at the very end: until then it has not succeeded
}

// spread waits for the step's turn: what restarts all at once may stampede.
func (g *group) spread() error {
	if g.jitter <= 0 {
		return nil
	}
	timer := time.NewTimer(rand.N(g.jitter))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-g.ctx.Done():
		return context.Cause(g.ctx)
	}
}

func (x *executor) deliver(r *stepResult) {
	x.mu.Lock()
	x.results = append(x.results, *r)
	x.mu.Unlock()
	select {
	case x.wake <- struct{}{}:
	default:
	}
}

// linger is how long the loop waits, once a step has ended, for others that end
// about then: what ends together is made durable together.
const linger = time.Millisecond

// collect takes in the results that have come.
func (x *executor) collect() {
	var timer *time.Timer
	for x.ended() < len(x.list) {
		runtime.Gosched() // the quick ones need no more than a turn
		if x.ended() >= len(x.list) {
			break
		}
		if timer == nil {
			timer = time.NewTimer(linger)
			defer timer.Stop()
		}
		select {
		case <-x.wake:
			continue
		case <-timer.C:
		}
		break
	}
	x.mu.Lock()
	results := x.results
	x.results = x.spare[:0]
	x.mu.Unlock()
	x.spare = results
	at := now()
	for _, r := range results {
		if x.groups[r.index] != r.group {
			x.e.log.Warn("a step that was left behind has returned", "target", x.units[r.index].target.Name, "error", r.err)
			x.returned(r.index)
			continue
		}
		x.end(r, at)
	}
}

// ended returns how many results have come.
func (x *executor) ended() int {
	x.mu.Lock()
	defer x.mu.Unlock()
	return len(x.results)
}

// end records how a step came out. One that only an interrupt cut short is not
// on record as failed: it stays begun, and the next Run carries it out again.
func (x *executor) end(r stepResult, at time.Time) {
	last := x.list[len(x.list)-1]
	x.list[x.pos[r.index]], x.pos[last] = last, x.pos[r.index]
	x.list = x.list[:len(x.list)-1]
	x.groups[r.index] = nil
	if r.group.left--; r.group.left == 0 {
		r.group.cancel(nil)
	}
	if x.e.fatal != nil || (r.err != nil && x.e.stop == stopHard) {
		return
	}
	if r.err != nil && !r.group.cancelled.IsZero() && x.marks[r.index] == x.round {
		return // a halt cancelled it, and it is wanted again since: it begins again
	}
	ev := Event{At: at, Step: x.units[r.index].id(), Attempts: r.attempts}
	switch {
	case r.group.kind == DoStep && r.err == nil:
		ev.Kind = Done
	case r.group.kind == DoStep:
		ev.Kind = DoFailed
	case r.err == nil:
		ev.Kind = Undone
	default:
		ev.Kind = UndoFailed
	}
	switch {
	case r.err != nil:
		ev.Reason = brief(r.err)
	case x.units[r.index].step != nil:
		ev.Reason = proofOf(nil)
	default:
		ev.Reason = x.e.proof
	}
	x.e.state.likely = int32(r.index)
	x.e.record(ev)
}

// sweep leaves behind what does not heed that its context has ended.
func (x *executor) sweep(at time.Time) {
	for k := len(x.list) - 1; k >= 0; k-- {
		i := int(x.list[k])
		g := x.groups[i]
		since := g.deadline
		if !g.cancelled.IsZero() && g.cancelled.Before(since) {
			since = g.cancelled
		}
		if late := at.Sub(since); late >= x.e.grace {
			x.leave(i)
			x.end(stepResult{index: i, group: g, attempts: 1,
				err: fmt.Errorf("left behind: it did not return within %v of being cancelled", x.e.grace)}, now())
		}
	}
}

// leave notes that a step was left behind while it was carried out.
func (x *executor) leave(i int) {
	if x.deaf == nil {
		x.deaf = make(map[int]*leftBehind)
	}
	if x.deaf[i] == nil {
		x.deaf[i] = &leftBehind{gone: make(chan struct{})}
	}
	x.deaf[i].tries++
}

// returned notes that what was left behind of a step has returned.
func (x *executor) returned(i int) {
	if d := x.deaf[i]; d != nil {
		if d.tries--; d.tries == 0 {
			close(d.gone)
			delete(x.deaf, i)
		}
	}
}

// deafTo returns what is closed once all that was left behind of a step has returned,
// nil if there is nothing.
func (x *executor) deafTo(i int) <-chan struct{} {
	if d := x.deaf[i]; d != nil {
		return d.gone
	}
	return nil
}

func (u *unit) id() string {
	if u.step != nil {
		return u.step.ID
	}
	return u.target.Name
}
