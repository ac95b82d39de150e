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
//   - [KillSwitch] stops everything at once, until a human resets it. The
//     process can trip it, and so can a [File], [Signals] or any [SwitchSource].
//
// A guard of your own is a [Func], or a type with a Check method. Give it a
// name with [Namer], and let it tell at once of news with [Watcher]. One that
// answers from the action alone says so with [Static], and a plan that it would
// stop half way is then refused at the start.
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
