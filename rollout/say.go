package rollout

// say logs what an operator should know of an event.
func (e *engine) say(ev Event) {
	switch ev.Kind {
	case Started, Resumed:
		e.log.Info("rollout "+ev.Kind.String(), "waves", len(e.state.spec.Waves), "targets", len(e.state.steps), "epoch", ev.Epoch)
	case DoFailed, UndoFailed:
		e.log.Warn("step "+ev.Kind.String(), "target", ev.Step, "reason", ev.Reason, "attempts", ev.Attempts)
	case Judged:
		e.log.Info("gate "+ev.Decision.Outcome.String(), "wave", ev.Wave, "reason", ev.Decision.Reason)
	case Breached:
		e.log.Warn("guard breached", "guard", ev.Breach.Guard, "consequence", ev.Breach.Consequence.String(), "reason", ev.Breach.Reason, "evidence", ev.Breach.Evidence, "runbook", ev.Breach.Runbook)
	case Cleared:
		e.log.Info("guard content again", "guard", ev.Step)
	case Interrupted:
		e.log.Warn("interrupted: run it again to go on where it stopped", "phase", e.state.phase.String(), "wave", e.state.Wave())
	case Mitigating, Mitigated:
		e.log.Warn("mitigation "+ev.Kind.String(), "mitigation", ev.Step)
	case UndoJudged:
		e.log.Info("gate of the way back "+ev.Decision.Outcome.String(), "gate", ev.Step, "reason", ev.Decision.Reason)
	case Surveyed:
		e.log.Info("targets asked what they run", "asked", ev.Survey.Asked, "astray", len(ev.Survey.Astray))
	case Ended:
		e.log.Info("rollout ended", "phase", ev.Outcome.String(), "reason", ev.Reason)
	default:
		if ev.Kind.IsVerb() {
			e.log.Info("verb "+ev.Kind.String(), "actor", ev.Actor, "reason", ev.Reason)
		}
	}
}
