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
// in batches that begin with one target, the canary of the rollback, because undoing
// everything at once has been an outage of its own more than once, and because the
// fleet has to keep serving meanwhile. No undo waits for metrics that are down. It runs
// to its end when the caller's context is cancelled, and after a crash it goes on where it
// was. Every target that can say so is asked in the end what it runs. And it never loops: it goes down its
// chain, older versions, then the Fallback, then Page, and when that is used up, the
// rollback is incomplete and waits for a human.
//
// What you can add proves more: Rehearse undoes the first target of every rollout
// before the second one is touched; RTO refuses a plan that could not be taken back in
// time; Verify asks whether the metrics have recovered.
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
// # Versions
//
// A [Registry] remembers, over rollouts, processes and crashes, which versions of a
// service are known to be good, because the whole fleet has run them for long enough,
// and which are marked bad, and are refused until a human clears them. With [Artifacts]
// it proves before a rollout that there is a way back ([Registry.Precheck]): that what
// would be deployed again still exists, can be read to its end, and is what it was.
//
// Everything in this package is safe for concurrent use, unless it says otherwise.
package rollback
