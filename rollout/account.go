package rollout

import "fmt"

// account says who did what an event reports, and why, so that every line of the
// journal does.
func (e *engine) account(ev *Event) {
	if ev.Actor == "" {
		ev.Actor = e.self
	}
	if ev.Reason != "" {
		return
	}
	switch ev.Kind {
	case Doing:
		ev.Reason = "forward"
	case Undoing:
		ev.Reason = "the way back"
		if e.state.phase == Deploying {
			ev.Reason = "rehearsing the way back"
		}
	case Mitigating:
		ev.Reason = e.state.failure
	case Mitigated:
		ev.Reason = "it is carried out"
	case Surveyed:
		if ev.Survey != nil {
			ev.Reason = fmt.Sprintf("%d of %d run what they should", ev.Survey.Asked-len(ev.Survey.Astray), ev.Survey.Asked)
		}
	case Cleared:
		ev.Reason = "the guard is content again"
	case Elapsed:
		ev.Reason = "its time is up"
	case Breached:
		if ev.Breach != nil {
			ev.Reason = ev.Breach.Reason
		}
	case Judged, UndoJudged:
		if ev.Decision != nil {
			ev.Reason = ev.Decision.Reason
		}
	case Observed:
		if ev.Check != nil {
			ev.Reason = "seen by check " + ev.Check.Name
		}
	case Started:
		ev.Reason = "to bring " + e.plan.Release.Service + " from " + e.plan.Release.From + " to " + e.plan.Release.To
	case Resumed:
		ev.Reason = "to go on in phase " + e.state.phase.String()
	}
}

// proofOf says how it is known that a step is done.
func proofOf(d Deployer) string {
	versioner, _ := d.(Versioner)
	prober, _ := d.(Prober)
	switch {
	case versioner != nil && prober != nil:
		return "it says so, and is healthy"
	case versioner != nil:
		return "it says so"
	case prober != nil:
		return "it is healthy"
	default:
		return "nothing failed"
	}
}
