package guardrails

import "sync"

// lastWord remembers what was said last, so that it is not said again and again.
type lastWord struct {
	mu   sync.Mutex
	last string
}

// changed tells whether a breach is news: it has begun, or is another. That a guard is
// content again is not reported, and makes its next breach news.
func (l *lastWord) changed(b *Breach) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	word := ""
	if b != nil {
		word = b.Guard + ": " + b.Reason
	}
	news := word != "" && word != l.last
	l.last = word
	return news
}
