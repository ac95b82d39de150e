// Package replay is what the replays of incidents have in common: what an incident is,
// what telling it once came to, and how to tell one that was a rollout (Telling) or
// something else (Diary).
//
// A Telling is a plan in a world. Everything that it comes to is read off what the
// targets ran and off the journal: who was exposed, for how long, and what was said.
//
//	t := replay.Telling{Plan: plan, World: world, Of: "of 100 hosts", Things: "hosts"}
//	outcome, err := t.Tell()
package replay
