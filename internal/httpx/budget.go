package httpx

import "sync"

// DefaultRetryShare is how many retries each call earns.
const DefaultRetryShare = 0.2

// mostRetries is how many retries can be saved up.
const mostRetries = 10

// budget bounds the retries of all calls of a Client together. Each call alone is
// bounded by its attempts, but a server that is going under would get that many
// times its usual load from all of them, just when it can bear the least.
//
// It is a bucket of tokens, full at first: a call puts a share of one in, a retry
// takes one out. Single failures find it full; where everything fails, a share of
// the calls is tried again. The zero value is ready to use. It is safe for
// concurrent use.
type budget struct {
	mu    sync.Mutex
	spent float64 // of mostRetries
}

// earn puts in what a call earns.
func (b *budget) earn(share float64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.spent = max(0, b.spent-share)
}

// spend takes out one retry, if there is one.
func (b *budget) spend() bool {
	// Ten shares of 0.1 add up to a little less than 1.
	const rounding = 1e-9
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.spent+1 > mostRetries+rounding {
		return false
	}
	b.spent++
	return true
}
