package journaltest

import (
	"context"

	"github.com/tidegate-go/tidegate/rollout"
)

// rule is one promise of a journal.
type rule struct {
	name string
	// explanation says what is promised, and why, when it was broken.
	explanation string
	// steals says that the check needs a Stealer.
	steals bool
	check  func(ctx context.Context, j rollout.Journal) error
}

var rules = []rule{
	{
		name:        "a new rollout is empty",
		explanation: "the first Open of a rollout yields no events, and an epoch above zero: zero is what a step carries that no runner vouches for",
		check:       newIsEmpty,
	},
	{
		name:        "order and content",
		explanation: "what was appended comes back after a reopen: every event, every field, in order. A resumed rollout is a replay, and a lost step is a target that no rollback knows of",
		check:       keepsOrder,
	},
	{
		name:        "events of before Open",
		explanation: "Events yields what was recorded before Open, each time it is ranged over, and may be left early; what this session appends is not among it",
		check:       eventsOfBefore,
	},
	{
		name:        "the caller's slice",
		explanation: "Append must not keep the caller's slice: the runner uses it again for the next batch",
		check:       copiesSlice,
	},
	{
		name:        "rollouts are apart",
		explanation: "two rollouts that share no lock can be open at once, and neither sees the other's events",
		check:       rolloutsApart,
	},
	{
		name:        "one holder",
		explanation: "while a session is open, another Open of its rollout fails with a *rollout.HeldError that is rollout.ErrHeld and names the rollout and the holder; after Close it works. Two runners on one rollout would deploy and undo against each other",
		check:       oneHolder,
	},
	{
		name:        "a lock has one rollout",
		explanation: "while a rollout that holds a lock is open, another that wants it is refused with a *rollout.HeldError that names the lock and the rollout that has it",
		check:       lockExcludes,
	},
	{
		name:        "a lock outlives its session",
		explanation: "a lock belongs to a rollout that has begun until that has Ended and is closed: a runner that went away has left the service half changed, and nobody else may touch it. The rollout itself gets its lock back",
		check:       lockOutlivesSession,
	},
	{
		name:        "Ended frees locks at Close",
		explanation: "Ended as completed, partial, rolled back or aborted frees the locks, with Close and not before: the runner may still be busy",
		check:       endedFreesLocks,
	},
	{
		name:        "halted keeps locks",
		explanation: "Ended as halted or rollback-incomplete keeps the locks: what it left behind needs a human before anything else changes it",
		check:       haltedKeepsLocks,
	},
	{
		name:        "nothing recorded, nothing held",
		explanation: "a rollout that was opened and closed without an event has touched nothing and keeps no lock",
		check:       emptyHoldsNothing,
	},
	{
		name:        "locks are all or nothing",
		explanation: "an Open that is refused for one lock keeps none of the others, nor the rollout",
		check:       allOrNothing,
	},
	{
		name:        "the epoch grows",
		explanation: "each Open of a rollout has a higher Epoch than every Open before it, even when nothing was appended: targets use it to refuse a runner that was overtaken",
		check:       epochGrows,
	},
	{
		name:        "batches stay whole",
		explanation: "Append may be called concurrently; the events of one call stay together and in order, and a caller's later batch comes after its earlier one",
		check:       batchesWhole,
	},
	{
		name:        "Append after Close",
		explanation: "Append after Close fails and records nothing: by then another runner may have the rollout",
		check:       appendAfterClose,
	},
	{
		name:        "Close twice",
		explanation: "a second Close does nothing, not even to whoever holds the rollout by then",
		check:       closeTwice,
	},
	{
		name:        "a cancelled context",
		explanation: "with a context that is already cancelled, Open and Append fail with its error and leave no trace, and the session goes on",
		check:       cancelledRefuses,
	},
	{
		name:        "fencing",
		explanation: "a session that lost its lease closes Lost, at the latest with its next Append; that and every later Append is rollout.ErrFenced and records nothing; its Close takes nothing from the new holder",
		steals:      true,
		check:       fencesOff,
	},
}
