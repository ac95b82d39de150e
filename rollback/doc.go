// Package rollback says how a change is taken back.
//
// A [Policy] is plain data: how much of the fleet is undone at once, how often
// one undo is tried and how long it may take, and when the whole rollback has
// to be done. The zero Policy is useful, and a plan that says nothing has it:
//
//	rollout.Plan{
//		// ...
//		Rollback: rollback.Policy{Batch: 50, Deadline: 10 * time.Minute},
//	}
//
// What the policy does not let you choose holds for every rollback. Every step
// that was started is undone, finished or in doubt, newest wave first. It goes
// in batches, because undoing everything at once has been an outage of its own
// more than once, and because the fleet has to keep serving meanwhile. It waits
// for no metrics. It runs to its end when the caller's context is cancelled,
// and after a crash it goes on where it was. And it never loops: when the tries
// or the time are used up, the rollback is incomplete and calls for a human.
//
// Package rollout carries a policy out.
//
// # Scripts
//
// A [Stack] takes back what is no rollout: a script pushes what undoes each change
// before it makes it, and unwinds all of it, the newest first, if it fails. A stack
// with a file ([Create]) outlives its process: what a crashed script has left is
// undone by another ([Open]), each command exactly once if it is known to have
// succeeded, and again if that is in doubt.
//
// Everything in this package is safe for concurrent use, unless it says otherwise.
package rollback
