package httpx

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// tries is the state of one call over its tries.
type tries struct {
	most, made int
	stopped    bool          // the context ended where another try was due
	broke      bool          // the budget ended where another try was due
	spend      func() bool   // takes one try from the budget
	next       time.Duration // the wait before the next try
	last       string        // how the last try failed, other than by the context's end
}

// again says whether to try once more, and fixes the wait before that.
func (t *tries) again(ctx context.Context, shortest, longest time.Duration, resp *http.Response, err error) bool {
	t.made++
	if err != nil && ctx.Err() != nil {
		return false // how the tries before failed says more
	}
	switch {
	case err != nil:
		t.last = cause(err).Error()
	case retryableStatus(resp.StatusCode):
		t.last = fmt.Sprintf("%d %s", resp.StatusCode, http.StatusText(resp.StatusCode))
	default:
		return false
	}
	if t.made >= t.most || final(err) {
		return false
	}
	if ctx.Err() != nil {
		t.stopped = true
		return false
	}
	t.next = backoff(t.made, shortest, longest)
	if after, ok := retryAfter(resp, time.Now()); ok {
		t.next = min(max(t.next, after), longest)
	}
	if deadline, bounded := ctx.Deadline(); bounded && time.Until(deadline) <= t.next {
		return false
	}
	t.broke = !t.spend()
	return !t.broke
}

// wait is a retryablehttp.Backoff.
func (t *tries) wait(_, _ time.Duration, _ int, _ *http.Response) time.Duration { return t.next }

func retryableStatus(code int) bool {
	return code == http.StatusTooManyRequests || code >= 500 && code != http.StatusNotImplemented
}

// backoff doubles with each try made, and takes off up to half at random, so
// that callers that failed together do not come back together.
func backoff(made int, shortest, longest time.Duration) time.Duration {
	wait := shortest
	for i := 1; i < made && wait < longest; i++ {
		wait *= 2
	}
	wait = min(wait, longest)
	return wait - rand.N(wait/2+1)
}

// retryAfter reads the header of a 429 or 503: seconds, or a date.
func retryAfter(resp *http.Response, now time.Time) (time.Duration, bool) {
	if resp == nil || resp.StatusCode != http.StatusTooManyRequests && resp.StatusCode != http.StatusServiceUnavailable {
		return 0, false
	}
	text := strings.TrimSpace(resp.Header.Get("Retry-After"))
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second, true
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(0, at.Sub(now)), true
	}
	return 0, false
}

// untrusted tells whether TLS failed in a way that lasts.
func untrusted(err error) bool {
	var cert *tls.CertificateVerificationError
	return errors.As(err, &cert) || errors.Is(err, http.ErrSchemeMismatch)
}
