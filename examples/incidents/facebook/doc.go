// Package facebook replays 4 October 2021 at Facebook: a command that was to assess the
// capacity of the backbone took all of it down. A tool that audits such commands had a
// bug and let it pass. Then the name servers, each of which could not reach a data
// centre, took themselves out of the net, as each of them was right to do.
//
// This was no rollout, so nothing is played: the command is a function, and it runs
// under guards (guardrails.Do).
package facebook
