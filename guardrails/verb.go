package guardrails

import "fmt"

// Verb is what automation is about to do. A guard decides by it what it minds:
// a freeze window holds Deploy, and leaves Undo alone.
type Verb uint8

const (
	// Unknown is the zero verb. A guard treats it as Deploy.
	Unknown Verb = iota
	// Start begins a rollout, before anything is touched.
	Start
	// Deploy puts the new version on a target.
	Deploy
	// Bake watches what was deployed; nothing is changed.
	Bake
	// Undo takes the change back from a target.
	Undo
	// Recover watches a rollback; nothing is changed.
	Recover
)

var verbWords = [...]string{"unknown", "start", "deploy", "bake", "undo", "recover"}

// String returns the verb's word, such as "deploy".
func (v Verb) String() string {
	if int(v) < len(verbWords) {
		return verbWords[v]
	}
	return fmt.Sprintf("verb(%d)", uint8(v))
}

// Backward tells whether the verb takes a change back, or watches that.
func (v Verb) Backward() bool { return v == Undo || v == Recover }
