// Package rollout makes a change in waves, and takes it back by itself when it
// turns out bad.
//
// A Plan says what is changed (a Release, a fleet of Targets), in which Waves,
// behind which analysis.Gate, under which guardrails, and how it is taken back.
// It is data: Validate finds everything that is wrong with it before anything
// is touched.
//
// A Runner carries a plan out with the user's own Deployer, records every event
// in a Journal before it acts on it, and returns when there is nothing left to
// do. It survives being killed at any moment: the next Run with the same plan
// and journal goes on where the last one was.
//
//	runner := rollout.Runner{Plan: plan, Deployer: deployer, Journal: filejournal.Dir("/var/lib/tidegate")}
//	result, err := runner.Run(ctx)
//
// # How it works
//
// A rollout is a fold over events. State.Step takes one Event in, State.Wants
// says which effects should be in flight now. Both are pure: no clock, no I/O,
// no goroutine. The Runner is the shell around them: it starts what is wanted
// and not running, cancels what is running and not wanted, waits for something
// to happen, and makes it durable before it acts on it. A normal run, a crash
// and a kill are one code path. Package simulate drives the same core in virtual
// time.
//
// # What to implement
//
// A Deployer, that puts a version on a target; better one that is also a
// Versioner, so that every step is verified and a rollback is proved. For
// changes that are no deployment there are Step and Traffic. A Journal, if
// neither files (package filejournal) nor memory will do; package journaltest
// tells whether it is right. An Observer, to see what happens.
//
// # Before anything is touched
//
// Run refuses a plan with problems, a guard that cannot prove that it would say no, a
// check that has no data or fails already, and what the guards mind. It compares the
// arms of each gate, if that can be looked up, while all of them run the old version;
// what was learnt is in the Started event.
//
// # What stops a rollout
//
// A failed gate, too many failed steps, or a guard that says so take the change
// back: newest wave first, everything that was ever begun, verified. A guard
// that holds, or a human who pauses, starts nothing more until they are content.
// A kill freezes: not even an undo is started. Cancelling Run's context stops the
// runner and not the world; it is resumable.
//
// # The way back
//
// A rollback takes back everything that was ever started, finished or in doubt, newest
// wave first, in batches of its own that begin with one target. First comes what gives
// relief at once (rollback.Policy, Fast), then the previous version, then older ones, then
// the fallbacks, and then a human is called. Every target is asked what it runs, and a
// gate looks whether the metrics have recovered. It goes on when its caller is cancelled
// and after a crash, and it is never tried twice without a human. Once a step was started
// that is Irreversible, a failure freezes instead.
//
// A rollout that has ended can be taken back for a while (RevertWindow), unless a later
// one of the same service has begun since. A version that proves bad after that is taken
// off whatever runs it by a Recall.
//
// Plan.Bounds says beforehand the most that can go wrong and how long the way back takes,
// and Plan.Explain prints the runbook.
package rollout
