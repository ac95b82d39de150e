package httpx

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"
)

// Defaults of a Client.
const (
	DefaultTimeout  = 10 * time.Second
	DefaultAttempts = 3
	DefaultWaitMin  = 100 * time.Millisecond
	DefaultWaitMax  = 2 * time.Second
	DefaultMaxBody  = 10 << 20 // bytes
)

// Client makes HTTP calls. The zero value is ready to use. Its fields must not
// be changed after the first call. It is safe for concurrent use, and must not
// be copied after first use.
type Client struct {
	// Timeout bounds one try, from connecting to the last byte of the body,
	// redirects included. Zero means DefaultTimeout.
	Timeout time.Duration
	// Attempts is how often a call is tried at most. Zero means
	// DefaultAttempts, 1 means no retry.
	Attempts int
	// WaitMin and WaitMax bound the wait before the next try, which doubles
	// each time, with jitter. A longer Retry-After is cut to WaitMax. Zero means
	// DefaultWaitMin and DefaultWaitMax.
	WaitMin, WaitMax time.Duration
	// RetryShare bounds the retries of all calls together: each call earns that
	// many, and up to ten are saved up. A call that finds none left returns its
	// first answer. Zero means DefaultRetryShare, less than zero means no bound.
	RetryShare float64
	// OpenAfter is how many calls to a host must fail one after the other, with
	// no connection, no complete answer in time, 429 or 5xx (but not 501), for
	// its circuit to open: calls are then ErrOpen at once, and not made. Zero
	// means DefaultOpenAfter, less than zero means never.
	OpenAfter int
	// CoolDownMin and CoolDownMax bound how long a circuit stays open, which
	// doubles each time, with jitter. One call is then tried, once; if it works,
	// the circuit closes. Zero means DefaultCoolDownMin and DefaultCoolDownMax.
	CoolDownMin, CoolDownMax time.Duration
	// PerURL keeps a circuit for each URL rather than each host. It is for hosts
	// that pass calls on to many, as a proxy does: one of these may be down, and
	// the rest not.
	PerURL bool
	// MaxBody is the largest body, in bytes after decompression. Zero means
	// DefaultMaxBody.
	MaxBody int64
	// Header is sent with every request.
	Header http.Header
	// Authorize, if set, is called on every request just before it is sent, for
	// credentials that rotate. Its error ends the call. It must be safe for
	// concurrent use.
	Authorize func(*http.Request) error
	// Transport makes the connections, such as one with client certificates.
	// Nil means one of the Client's own. It must return when a request's context
	// is done, as http.Transport does.
	Transport http.RoundTripper
	// TLS configures the Client's own transport, such as with a client
	// certificate or private roots. It has no effect on a Transport given. Nil
	// means the system's roots. It must not be changed after the first call.
	TLS *tls.Config

	once     sync.Once
	base     http.RoundTripper
	client   *http.Client
	budget   budget
	circuits circuits
}

// Response is a complete answer with a 2xx status.
type Response struct {
	Header http.Header
	Body   []byte
}

// Get fetches a URL. It returns when ctx is done, or earlier.
//
// Every error names the URL with its secrets left out. errors.As finds a
// *StatusError for an answer outside 2xx; errors.Is finds ErrOpen for a call that
// was not made, ErrTooLarge, ErrRedirect, ErrURL, and the error and cause of a
// context that is done.
func (c *Client) Get(ctx context.Context, url string) (*Response, error) {
	return c.call(ctx, http.MethodGet, url, nil)
}

// Ask is Get for a question that is too long for a URL: the form is sent by
// POST. It's repeated like a Get, so it is for endpoints only that change
// nothing, however often they are called.
func (c *Client) Ask(ctx context.Context, url string, form url.Values) (*Response, error) {
	return c.call(ctx, http.MethodPost, url, form)
}

// CloseIdleConnections closes the connections of the Client's own transport
// that are kept for reuse; each holds two goroutines for up to 90 s. A
// transport given by the user is left alone.
func (c *Client) CloseIdleConnections() {
	c.once.Do(c.init)
	if own, ok := c.base.(*http.Transport); ok && c.Transport == nil {
		own.CloseIdleConnections()
	}
}

func (c *Client) init() {
	if c.base = c.Transport; c.base == nil {
		c.base = newTransport(c.TLS)
	}
	c.circuits.openAfter = orDefault(c.OpenAfter, DefaultOpenAfter)
	c.circuits.shortest = orDefault(c.CoolDownMin, DefaultCoolDownMin)
	c.circuits.longest = orDefault(c.CoolDownMax, DefaultCoolDownMax)
	c.client = &http.Client{
		Timeout: orDefault(c.Timeout, DefaultTimeout),
		Transport: &exchange{
			base:      c.base,
			header:    c.Header.Clone(),
			authorize: c.Authorize,
			maxBody:   orDefault(c.MaxBody, DefaultMaxBody),
		},
		CheckRedirect: func(_ *http.Request, via []*http.Request) error {
			if len(via) > maxRedirects {
				return fmt.Errorf("%w: more than %d in a row", ErrRedirect, maxRedirects)
			}
			return nil
		},
	}
}

func orDefault[T int | int64 | float64 | time.Duration](v, def T) T {
	if v > 0 {
		return v
	}
	return def
}
