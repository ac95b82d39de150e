// Package guardrails decides whether automation may go on.
//
// A [Guard] is asked about one [Action] at a time: before a rollout, before
// every single step, and again and again while a wave bakes. It answers nil for
// yes. Its no is a [*Breach], which carries a plain sentence, the figures
// behind it, what a human should do, and a [Consequence]: [Hold] (wait until
// the guard is content), [Rollback] (take the change back) or [Halt] (freeze,
// and call a human).
//
//	kill := &guardrails.KillSwitch{
//		Sources: []guardrails.SwitchSource{guardrails.File("/run/checkout.stop")},
//	}
//	guards := []guardrails.Guard{
//		guardrails.MaxExposure{Percent: 33, PerLabel: "zone"},
//		kill,
//	}
//	if breach := guardrails.Check(ctx, guards, action); breach != nil {
//		return breach
//	}
//
// # The guards
//
//   - [MaxExposure] caps how much of the fleet, or of each zone, may run a
//     version that no gate has passed yet.
//   - [MinHealthy] is the floor under the live capacity of each zone, on the way
//     forward and back.
//   - [Domains] never lets two paired regions, or all zones of one, run what no
//     gate has passed; [DomainGap] keeps time between one domain and the next.
//   - [Validator] and [Taste] have the artifact looked at, and loaded once, before
//     anything gets it.
//   - [Fence] refuses at the write what has been overtaken ([ErrStale]).
//   - [Converged] holds the activation until every target runs the version, and
//     [Drift] holds when something else changes the targets.
//   - [Flap] stops what is good and bad by turns, until a human resets it.
//   - [NeverEmpty] lets no set become empty that others rely on, and [MaxRemoval]
//     caps how much of it goes, in one run and how fast.
//   - [MaxDiff] refuses an artifact that is much larger or smaller than the last
//     good one.
//   - [Metric] watches one figure all the time, outside of gates too.
//   - [Calendar] lets changes be made at certain times, and not in a freeze, by
//     windows of its own or of an iCalendar.
//   - [Rate] caps how many changes begin within a time, and [RetryBudget] how often
//     automation may try again.
//   - [Breaker] refuses a service whose last rollouts have failed, until a human
//     resets it, and [ErrorBudget] all but fixes when little is left to fail.
//   - [NoIncident] starts nothing new in an incident, and [DeadMan] wants to hear a
//     heartbeat all the time.
//   - [Approval] wants several people to have approved this very plan.
//   - [KillSwitch] stops everything at once, until a human resets it. The
//     process can trip it, and so can a [File], [HTTP], [Env], [Signals] or any
//     [SwitchSource]. [Any] joins several.
//
// A guard of your own is a [Func], or a type with a Check method. Give it a
// name with [Namer], and let it tell at once of news with [Watcher]. One that
// answers from the action alone says so with [Static], and a plan that it would
// stop half way is then refused at the start.
//
// # Around a script or a function
//
// [Do] runs a function under guards, and [Run] a program; [Guarded] has the settings.
// The guards prove themselves and are asked before anything runs, and again and
// again while it does. On a breach the function's context is cancelled, with the
// breach as its cause; of a program the whole process group gets TERM, and then
// KILL. What is to be taken back then is a matter for rollback.Stack.
//
//	err := guardrails.Run(ctx, guards, exec.Command("./migrate.sh"))
//
// # What every guard can count on
//
// A guard that fails lets nothing through: [Check] turns an error, a panic and
// a nil guard into a breach that holds. A guard decides by the action's [Verb]
// what it minds. Most leave [Undo] and [Recover] alone, because a guard that
// keeps a bad version in production is worse than none; the zero verb counts as
// [Deploy]. And an override by a human may let a hold pass for a while, but
// never one that is marked as a cap.
//
// Everything in this package is safe for concurrent use.
package guardrails
