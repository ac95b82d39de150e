package simulate

import (
	"container/heap"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tidegate-go/tidegate/rollout"
)

// appointment is something that will happen.
type appointment struct {
	at    time.Time
	order uint64 // of equals, the one made first
	act   func()
}

// agenda is a heap of appointments, soonest first.
type agenda []appointment

func (a agenda) Len() int      { return len(a) }
func (a agenda) Swap(i, j int) { a[i], a[j] = a[j], a[i] }
func (a agenda) Less(i, j int) bool {
	if !a[i].at.Equal(a[j].at) {
		return a[i].at.Before(a[j].at)
	}
	return a[i].order < a[j].order
}

// Push implements heap.Interface.
func (a *agenda) Push(x any) { *a = append(*a, x.(appointment)) }

// Pop implements heap.Interface.
func (a *agenda) Pop() any {
	last := (*a)[len(*a)-1]
	*a = (*a)[:len(*a)-1]
	return last
}

// at makes an appointment for a time from now.
func (d *driver) at(wait time.Duration, act func()) {
	d.count++
	heap.Push(&d.agenda, appointment{d.now.Add(max(0, wait)), d.count, act})
}

func sortedKeys(m map[string]*running) []string { return slices.Sorted(maps.Keys(m)) }

// guardOf returns the guard behind a hold.
func guardOf(h rollout.Hold) (string, bool) { return strings.CutPrefix(h.Key, "guard:") }
