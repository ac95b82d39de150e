package rollout

import (
	"fmt"
	"time"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/guardrails"
)

// Kind says what an Event reports.
type Kind uint8

// Facts about the rollout itself.
const (
	// Unknown is the zero kind; Step refuses it.
	Unknown Kind = iota
	// Started is the first event of every rollout and carries its Spec.
	Started
	// Resumed says that another runner goes on: nothing runs any more of what
	// ran before.
	Resumed
	// Interrupted says that a runner stopped in good order, with nothing left
	// running.
	Interrupted
	// Ended is the last event: the outcome, for readers of the journal.
	Ended
)

// Facts about single steps.
const (
	// Doing says that a step is about to be done.
	Doing Kind = iota + 16
	// Done says that a step is done and verified.
	Done
	// DoFailed says that a step failed, or may have: its target is in doubt.
	DoFailed
	// Undoing says that a step is about to be undone.
	Undoing
	// Undone says that a step is undone and verified.
	Undone
	// UndoFailed says that a step could not be undone.
	UndoFailed
)

// Facts about the way back.
const (
	// Mitigating says that a mitigation, or the page, is about to be carried out.
	Mitigating Kind = iota + 24
	// Mitigated says that a mitigation is carried out.
	Mitigated
	// MitigateFailed says that a mitigation failed, or may have.
	MitigateFailed
	// Surveyed carries what the targets that were to be undone run.
	Surveyed
	// UndoJudged carries the final decision of a gate on the way back: of the one on
	// the first batch, or of the one on the recovery.
	UndoJudged
)

// Facts about what was seen.
const (
	// Observed carries one observation of one check and the verdict on it.
	Observed Kind = iota + 32
	// Judged carries a gate's final decision on a wave.
	Judged
	// Breached carries a guard's no.
	Breached
	// Cleared says that a guard that held is content again.
	Cleared
	// Elapsed says that a timer that was wanted has run out.
	Elapsed
)

// Verbs of humans, and of automation on their behalf. Each needs an Actor and
// a Reason.
const (
	// Pause starts nothing more until Resume.
	Pause Kind = iota + 48
	// Resume lifts a Pause, and what a Reset left paused.
	Resume
	// Approve lets a wave that needs approval begin.
	Approve
	// Override lets one guard's hold pass until it expires. It lifts no cap.
	Override
	// Abort stops here and leaves everything as it is.
	Abort
	// RollBack takes the change back.
	RollBack
	// Kill freezes: nothing more is started, not even an undo.
	Kill
	// Reset lifts a halt; what was halted stays paused until Resume.
	Reset
)

var kindWords = map[Kind]string{
	Started: "started", Resumed: "resumed", Interrupted: "interrupted", Ended: "ended",
	Doing: "doing", Done: "done", DoFailed: "do-failed", Undoing: "undoing", Undone: "undone", UndoFailed: "undo-failed",
	Mitigating: "mitigating", Mitigated: "mitigated", MitigateFailed: "mitigate-failed", Surveyed: "surveyed", UndoJudged: "undo-judged",
	Observed: "observed", Judged: "judged", Breached: "breached", Cleared: "cleared", Elapsed: "elapsed",
	Pause: "pause", Resume: "resume", Approve: "approve", Override: "override",
	Abort: "abort", RollBack: "rollback", Kill: "kill", Reset: "reset",
}

var kindByWord = func() map[string]Kind {
	m := make(map[string]Kind, len(kindWords))
	for k, w := range kindWords {
		m[w] = k
	}
	return m
}()

// IsVerb tells whether the kind is a human's verb.
func (k Kind) IsVerb() bool { return k >= Pause && k <= Reset }

// String returns the kind's word, such as "do-failed".
func (k Kind) String() string {
	if w, ok := kindWords[k]; ok {
		return w
	}
	return fmt.Sprintf("kind(%d)", uint8(k))
}

// MarshalText writes the kind as its word.
func (k Kind) MarshalText() ([]byte, error) {
	if w, ok := kindWords[k]; ok {
		return []byte(w), nil
	}
	return nil, fmt.Errorf("rollout: unknown event kind %d", uint8(k))
}

// UnmarshalText reads a kind's word. An unknown word is an error: a journal
// that was written by a newer version is refused, not half understood.
func (k *Kind) UnmarshalText(text []byte) error {
	if kind, ok := kindByWord[string(text)]; ok {
		*k = kind
		return nil
	}
	return fmt.Errorf("rollout: unknown event kind %q", text)
}

// Event is one fact about a rollout: what a journal stores, what the core
// folds, what an Observer sees. It is flat: a kind, and the fields that the
// kind uses.
type Event struct {
	// At is when it happened, in UTC. The core takes all its time from here.
	At   time.Time `json:"at"`
	Kind Kind      `json:"kind"`
	// Epoch is the fencing token of the runner that says so.
	Epoch uint64 `json:"epoch,omitempty"`
	// Wave counts from 1: for Judged, Observed and Approve.
	Wave int `json:"wave,omitempty"`
	// Step is the step's ID; for Elapsed the timer's name; for Cleared and
	// Override the guard's name; for Mitigating, Mitigated and MitigateFailed the
	// mitigation's, or PageName; for UndoJudged, and Observed on the way back,
	// CanaryGate or RecoveryGate.
	Step string `json:"step,omitempty"`
	// Attempts is how often it was tried: for Done, DoFailed, Undone, UndoFailed.
	Attempts int `json:"attempts,omitempty"`
	// Actor and Reason say who and why; every verb needs both.
	Actor  string `json:"actor,omitempty"`
	Reason string `json:"reason,omitempty"`
	// Until is when an Override expires.
	Until time.Time `json:"until,omitzero"`

	Spec     *Spec              `json:"spec,omitempty"`     // Started
	Decision *analysis.Decision `json:"decision,omitempty"` // Judged, UndoJudged
	Check    *CheckRecord       `json:"check,omitempty"`    // Observed
	Breach   *guardrails.Breach `json:"breach,omitempty"`   // Breached
	Survey   *Survey            `json:"survey,omitempty"`   // Surveyed
	Outcome  Phase              `json:"outcome,omitempty"`  // Ended
}

// FreesLocks tells whether a rollout whose last event this is needs its locks no
// more. One that was halted, or could not be taken back, still waits for a
// human, and nobody else should touch what it left behind.
func (ev Event) FreesLocks() bool {
	if ev.Kind != Ended {
		return false
	}
	switch ev.Outcome {
	case Completed, Partial, RolledBack, Contained, Aborted:
		return true
	}
	return false
}

// what names the event in an error.
func (ev Event) what() string {
	if ev.Step == "" {
		return ev.Kind.String()
	}
	return ev.Kind.String() + " " + ev.Step
}

// CheckRecord is one observation of one check, with the verdict on it: enough
// to judge again after a crash, and to see why.
type CheckRecord struct {
	Name        string               `json:"name"`
	Observation analysis.Observation `json:"observation"`
	Verdict     analysis.Verdict     `json:"verdict"`
}

// The gates of the way back, as events and effects name them.
const (
	// CanaryGate is the one on the first batch that is undone.
	CanaryGate = "canary"
	// RecoveryGate is the one after everything is undone.
	RecoveryGate = "recovery"
)

// PageName is the page, as events and effects name it. No mitigation may have it.
const PageName = "page"

// Survey is what targets said that they run.
type Survey struct {
	// Asked is how many were asked.
	Asked int `json:"asked"`
	// Astray are those that run something else than they should, or did not say.
	Astray []Astray `json:"astray,omitempty"`
}

// Astray is a target that does not run what it should, as far as anyone knows.
type Astray struct {
	Step string `json:"step"`
	// Runs is what it runs; empty when it did not say, and then Err is why.
	Runs string `json:"runs,omitempty"`
	Err  string `json:"err,omitempty"`
}
