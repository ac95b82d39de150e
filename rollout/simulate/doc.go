// Package simulate runs rollouts in virtual time: the real core of package
// rollout, and around it a world that is made up. It is single-threaded and
// deterministic: the same spec, model and seed give the same rollout, event by
// event, and a rollout of hours takes microseconds.
//
// Run drives one rollout. A Model says how steps come out, what gates decide,
// what guards and humans say, and when the runner crashes. Invariants checks
// what must hold in every rollout, after every event, from the events and the
// world's truth alone: it does not ask the core that it checks.
package simulate
