// Package simulate runs rollouts in virtual time: the real core of package
// rollout, and around it a world that is made up, with faults in every seam. It is
// single-threaded and deterministic: the same plan, world and seed give the same
// rollout, event by event, and a rollout of hours takes microseconds.
//
// There are three ways in:
//
//   - Play runs a plan with its own gates and guards in a World: how far does a bad
//     release get, how fast is it noticed, how long until it is gone? Prepare makes a
//     plan ready to be played many times.
//   - Run drives a spec whose gates decide as a Model says.
//   - A Scenario is a random rollout as plain data: it can be run, shrunk while it
//     fails, told as a story, and written as a test.
//
// After every event, Invariants checks what must hold in every rollout, from the
// events, the effects that begin and what the targets really run: it does not ask the
// core that it checks.
//
// # What is promised when a runner dies
//
// A runner that dies or loses its lease may have steps in flight. No runner can know
// what becomes of those, so a simulation decides: they take effect before the next
// runner resumes, or never. That is what holds where the process that deploys is the
// one that dies. Where the writes of a dead process may arrive at any time later (the
// fault Zombie), no runner can promise that a target that it has undone stays so; then,
// and only then, targets are simulated that refuse writes of a lower fence than the
// highest that they have seen (rollout.Release.Fence, World.Fencing). With them every
// invariant holds again: whatever was in flight is on record, so that the next runner
// touches it once more, with its own fence.
//
// A step that does not heed its end is left behind by its own runner after the grace,
// reported as failed, and may take effect at any time until it returns. An undo of the
// same target is not reported as done before that has returned and the undo was done
// once more; if it does not return in time, the undo has failed.
//
// Other hands may change a target at any time (the fault Drift). What they change after
// the rollout has verified it is not held against the rollout, unless a survey came in
// between.
package simulate
