package guardrails

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// All makes one guard of several: it asks each of them, and answers with the gravest
// no (see Check). It is content when all are. The breach keeps the name of the guard
// that said no. An empty All refuses everything: nobody is left to ask.
func All(guards ...Guard) Guard { return group{guards: guards} }

// First is All that stops at the first no, in the order given: put the cheap ones
// first.
func First(guards ...Guard) Guard { return group{guards: guards, first: true} }

// group is several guards in one.
type group struct {
	guards []Guard
	first  bool
}

func (g group) Check(ctx context.Context, act Action) error {
	if len(g.guards) == 0 {
		return &Breach{Guard: g.GuardName(), Reason: "the group has no guards, so nobody was asked"}
	}
	if !g.first {
		if b := Check(ctx, g.guards, act); b != nil {
			return b
		}
		return nil
	}
	for i := range g.guards {
		if b := Check(ctx, g.guards[i:i+1], act); b != nil {
			return b
		}
	}
	return nil
}

// GuardName names all of them.
func (g group) GuardName() string {
	var names []string
	for _, one := range g.guards {
		if one == nil {
			names = append(names, "nil")
			continue
		}
		names = append(names, safeName(one))
	}
	word := "all"
	if g.first {
		word = "first"
	}
	return word + "(" + strings.Join(names, ", ") + ")"
}

// Problems reports those of every guard.
func (g group) Problems(report func(path, msg string)) {
	if len(g.guards) == 0 {
		report("guards", "are none: nothing would be let through")
	}
	for i, one := range g.guards {
		path := fmt.Sprintf("guards[%d]", i)
		if one == nil {
			report(path, "is nil: it could let nothing through")
		} else if p, ok := one.(problemer); ok {
			p.Problems(func(sub, msg string) { report(path+"."+sub, msg) })
		}
	}
}

// problemer is analysis.Problemer, of guards.
type problemer interface {
	Problems(report func(path, msg string))
}

// SelfTest tests every guard.
func (g group) SelfTest(ctx context.Context) error { return SelfTest(ctx, g.guards...) }

// Watch watches all that can be watched.
func (g group) Watch(ctx context.Context, changed func()) { watchAll(ctx, changed, g.guards...) }

// watchAll runs the Watchers among guards until ctx is done. One that panics brings no
// more news, and is still asked.
func watchAll(ctx context.Context, changed func(), guards ...Guard) {
	done := make(chan struct{})
	n := 0
	for _, one := range guards {
		if w, ok := one.(Watcher); ok {
			n++
			go func() {
				defer func() {
					_ = recover()
					done <- struct{}{}
				}()
				w.Watch(ctx, changed)
			}()
		}
	}
	for range n {
		<-done
	}
}

// Leashed makes a guard report only: what it would have stopped goes to report, and
// passes. It is for trying a guard out before it may stop anything. Each breach is
// reported when it begins and when it changes, not at every check. Report must not be
// nil, or everything is refused; it is called by who checks, and must be quick.
//
// A kill switch on a leash is none: Problems refuses to put one there.
func Leashed(guard Guard, report func(Action, *Breach)) Guard {
	return &leashed{guard: guard, report: report}
}

type leashed struct {
	guard  Guard
	report func(Action, *Breach)
	said   lastWord
}

func (l *leashed) Check(ctx context.Context, act Action) error {
	if l.report == nil {
		return &Breach{Guard: l.GuardName(), Reason: "the guard is leashed, and there is nobody to report to"}
	}
	b := Check(ctx, []Guard{l.guard}, act)
	if l.said.changed(b) {
		l.report(act, b)
	}
	return nil
}

// GuardName is the guard's, on a leash.
func (l *leashed) GuardName() string {
	if l.guard == nil {
		return "leashed nil"
	}
	return "leashed " + safeName(l.guard)
}

// Problems reports those of the guard, and a leash where none belongs.
func (l *leashed) Problems(report func(path, msg string)) {
	if l.report == nil {
		report("report", "is nil: what the guard says would go nowhere")
	}
	if l.guard == nil {
		report("guard", "is nil")
	}
	if _, ok := l.guard.(*KillSwitch); ok {
		report("guard", "is a kill switch, which must not be leashed")
	}
	if p, ok := l.guard.(problemer); ok {
		p.Problems(report)
	}
}

// SelfTest tests the guard.
func (l *leashed) SelfTest(ctx context.Context) error {
	if l.guard == nil {
		return errors.New("there is no guard on the leash")
	}
	return SelfTest(ctx, l.guard)
}

// Watch watches the guard.
func (l *leashed) Watch(ctx context.Context, changed func()) { watchAll(ctx, changed, l.guard) }
