package promql

import (
	"maps"
	"time"

	"github.com/tidegate-go/tidegate/analysis"
)

// carried is what goes from one window into the next. It also has what went into the
// last one, for when that is asked about again, as by another check.
type carried[T any] struct{ last, before left[T] }

// left is what is left at the end of a window, by arm, and there by slice or field.
type left[T any] struct {
	end              time.Time
	canaryVersion    string
	canary, baseline map[string]T
}

// into returns what goes into a window, to be changed to what is left at its end:
// nothing, unless the window goes on where one ended.
func (c *carried[T]) into(w analysis.Window) left[T] {
	next := left[T]{end: w.End, canaryVersion: w.Canary.Version, canary: make(map[string]T), baseline: make(map[string]T)}
	for _, l := range []left[T]{c.last, c.before} {
		if l.end.Equal(w.Start) && l.canaryVersion == next.canaryVersion {
			maps.Copy(next.canary, l.canary)
			maps.Copy(next.baseline, l.baseline)
			break
		}
	}
	return next
}

// keep notes what is left at the end of a window, if that is news.
func (c *carried[T]) keep(l left[T]) {
	if !c.last.end.Equal(l.end) || c.last.canaryVersion != l.canaryVersion {
		c.before, c.last = c.last, l
	}
}
