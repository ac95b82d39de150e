package guardrails

import "context"

// A SwitchSource is a place outside of the process where a KillSwitch can be
// tripped: a file, a signal, a key in a store.
//
// A source belongs to one switch. The switch never runs two reads of a source
// at a time, and gives each a ctx with a timeout; a read that does not return
// counts as failed, and so does one that panics.
type SwitchSource interface {
	// Name tells sources apart in reasons and records, such as "file /run/stop".
	Name() string
	// Read tells whether the source says trip, and why. An error means that
	// nobody knows. The switch latches: tripped need not stay true.
	Read(ctx context.Context) (tripped bool, reason string, err error)
}

// A SwitchWatcher is a SwitchSource that learns of a trip between reads. While
// the switch is watched, Watch runs in a goroutine of its own until ctx is
// done, and calls changed when the next Read may answer differently. A Watch
// that returns early or panics costs the speed and no more: the source is read
// again and again all the while.
type SwitchWatcher interface {
	SwitchSource
	Watch(ctx context.Context, changed func())
}
