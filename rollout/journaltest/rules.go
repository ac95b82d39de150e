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
	// crashes says that the check needs a Crasher, or a Stealer.
	crashes bool
	check   func(ctx context.Context, j rollout.Journal) error
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
		name:        "one holder of many",
		explanation: "of many Opens of one rollout at the same time one is let in, and the others are refused with rollout.ErrHeld",
		check:       oneOfManyHolders,
	},
	{
		name:        "a lock has one rollout",
		explanation: "while a rollout that holds a lock is open, another that wants it is refused with a *rollout.HeldError that names the lock and the rollout that has it",
		check:       lockExcludes,
	},
	{
		name:        "a lock has one rollout of many",
		explanation: "of many rollouts that want the same locks at the same time, in whichever order, one is let in, and the others are refused with rollout.ErrHeld",
		check:       oneOfManyRollouts,
	},
	{
		name:        "a lock outlives its session",
		explanation: "a lock belongs to a rollout that has begun until that has Ended and is closed: a runner that went away has left the service half changed, and nobody else may touch it. The rollout itself gets its lock back",
		check:       lockOutlivesSession,
	},
	{
		name:        "Ended frees locks at Close",
		explanation: "Ended with an outcome that leaves nothing to a human (Event.FreesLocks) frees the locks, with Close and not before: the runner may still be busy",
		check:       endedFreesLocks,
	},
	{
		name:        "halted keeps locks",
		explanation: "Ended with any other outcome, such as halted, keeps the locks: what it left behind needs a human before anything else changes it",
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
		name:        "an Append that fails",
		explanation: "of an Append that fails there are none, some or all of its events, from the first on, in order and each whole. A step that is on record as done was on record as begun",
		check:       failedAppendIsBegun,
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
	{
		name:        "fencing of many",
		explanation: "of many Appends at once by a session that lost its lease none is let in, and the new holder's are not held up by them",
		steals:      true,
		check:       fencesOffMany,
	},
	{
		name:        "a crash keeps what was recorded",
		explanation: "what Append has acknowledged is there after a crash, also one in the middle of other Appends, of which there is a beginning or nothing",
		crashes:     true,
		check:       crashKeepsAcknowledged,
	},
	{
		name:        "a crash keeps locks",
		explanation: "a lock belongs to the rollout that has it also when its process has died: nobody else gets it, and the rollout itself does",
		crashes:     true,
		check:       locksSurviveCrash,
	},
	{
		name:        "a crash before anything",
		explanation: "a rollout that crashed before anything was recorded has touched nothing and keeps no lock",
		crashes:     true,
		check:       crashBeforeAnything,
	},
	{
		name:        "a crash after Ended",
		explanation: "a crash between Ended and Close frees the locks where Close would have, and keeps them where it would have kept them: no human has to clean up",
		crashes:     true,
		check:       crashAfterEnded,
	},
}
