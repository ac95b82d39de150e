package simulate

import "time"

// appointment is something that will happen.
type appointment struct {
	at    time.Duration
	order uint64 // of equals, the one made first
	act   func()
	poll  bool // only to see whether anything has changed
}

// agenda is a heap of appointments, soonest first. It is not container/heap, whose
// interface would put every appointment on the heap of the runtime as well.
type agenda []appointment

func (a *appointment) before(b *appointment) bool {
	return a.at < b.at || (a.at == b.at && a.order < b.order)
}

func (a *agenda) push(p appointment) {
	*a = append(*a, p)
	h := *a
	for i := len(h) - 1; i > 0; {
		up := (i - 1) / 2
		if !h[i].before(&h[up]) {
			return
		}
		h[i], h[up] = h[up], h[i]
		i = up
	}
}

func (a *agenda) pop() appointment {
	h := *a
	first, end := h[0], len(h)-1
	h[0] = h[end]
	h[end] = appointment{}
	h = h[:end]
	*a = h
	for i := 0; ; {
		down := 2*i + 1
		if down >= end {
			return first
		}
		if right := down + 1; right < end && h[right].before(&h[down]) {
			down = right
		}
		if !h[down].before(&h[i]) {
			return first
		}
		h[i], h[down] = h[down], h[i]
		i = down
	}
}
