// Package filejournal keeps rollouts in files that a person can read: one file
// of JSON lines per rollout, in one directory on one machine.
//
//	runner.Journal = filejournal.Dir("/var/lib/tidegate")
//
// In an outage no tool is needed to see what happened, also while a runner is
// at work:
//
//	tail -f /var/lib/tidegate/checkout-v42.jsonl
//	jq -c '[.at, .kind, .step]' /var/lib/tidegate/checkout-v42.jsonl
//
// Dir.Read does the same for a program.
//
// # Files
//
//	checkout-v42.jsonl        the events, one a line
//	checkout-v42.jsonl.torn   what the last repair cut off, if there was one
//	checkout-v42.lock         who has the rollout, and its epoch
//	locks/checkout.lock       which rollout has the lock "checkout"
//
// All of it is for the owner's eyes only. Do not remove or replace the files of
// a rollout that has not ended: its runner takes that for the loss of its lease
// and stops, and with the journal goes the knowledge of what was touched.
//
// # Lines
//
// A line is the event's JSON object with two more fields at its end:
//
//	{"at":"2026-07-01T12:00:01Z","kind":"doing","step":"host-1","seq":2,"sum":"9f1c…"}
//
// Number seq counts lines from 1. Checksum sum is the first half of a SHA-256, in hex,
// over the sum of the line before (nothing for the first line) followed by this
// line up to the comma before "sum". So no line can be changed, dropped, added
// or moved without a trace, save for whole lines at the very end:
//
//	printf %s "$previous_sum${line%,\"sum\":*}" | sha256sum | head -c 32
//
// Audit checks all of it, and tidegate audit does for people. The sums are no
// signature: who cuts lines off at the end, or writes the whole file anew, leaves no
// trace in it. So write the sum of the last line down where the journal is not: Audit
// makes sure that it is still there.
//
// # Versions
//
// The first line says the format (rollout.SpecFormat). Journals of older formats are
// read and carried on. Of what a newer version has written nothing is half understood:
// a higher format, a kind of event, a field or a value that this version does not know
// makes a journal a rollout.ErrNewer. The runner stops before it has done anything, and
// the journal is not altered. So a version that adds a field cannot be taken back
// while a rollout is on record with it: let the newer one bring that to its end.
//
// # What holds
//
// Append returns once its events are on the disk (fsync). What concurrent
// callers append meanwhile shares one write and one fsync. When a write or an
// fsync fails, that session records nothing more: nobody knows what a disk
// holds after it has failed. Open the rollout again to go on.
//
// A crash can leave a last line without its newline. Nobody was told that it is
// durable; Open cuts it off and keeps it aside. Any other damage is refused with
// a *CorruptError, and nothing is altered.
//
// A second runner is kept out by locks of the operating system (flock), which
// end with the process that has them, however it ends. That is reliable on a
// local disk of a Unix; a network file system may say otherwise. To let a second
// machine take over, use a journal that is made for it.
//
// A service's lock also outlives its process, by the rollout's name in its file:
// a rollout that is half done keeps others off the service until it is run again
// and ends. In doubt it is kept, and the error says what a human can do.
package filejournal
