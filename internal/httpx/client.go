package httpx

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-retryablehttp"
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

	once   sync.Once
	base   http.RoundTripper
	client *http.Client
}

// Response is a complete answer with a 2xx status.
type Response struct {
	Header http.Header
	Body   []byte
}

// Get fetches a URL. It returns when ctx is done, or earlier.
//
// Every error names the URL with its secrets left out. errors.As finds a
// *StatusError for an answer outside 2xx; errors.Is finds ErrTooLarge,
// ErrRedirect, ErrURL, and the error and cause of a context that is done.
func (c *Client) Get(ctx context.Context, url string) (*Response, error) {
	return c.call(ctx, http.MethodGet, url, nil)
}

// Ask is Get for a question that is too long for a URL: the form is sent by
// POST. It's repeated like a Get, so it is for endpoints only that change
// nothing, however often they are called.
func (c *Client) Ask(ctx context.Context, url string, form url.Values) (*Response, error) {
	return c.call(ctx, http.MethodPost, url, form)
}

func (c *Client) call(ctx context.Context, method, url string, form url.Values) (*Response, error) {
	c.once.Do(c.init)
	target, err := parse(url)
	if err != nil {
		return nil, err
	}
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	req, err := http.NewRequestWithContext(ctx, method, target.String(), body)
	if err != nil {
		return nil, ErrURL // the detail would show the URL
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	retryable, err := retryablehttp.FromRequest(req)
	if err != nil {
		return nil, fmt.Errorf("httpx: %s %s: %w", method, redact(target), err)
	}

	t := tries{most: orDefault(c.Attempts, DefaultAttempts)}
	loop := retryablehttp.Client{
		HTTPClient:   c.client,
		RetryMax:     t.most - 1,
		RetryWaitMin: orDefault(c.WaitMin, DefaultWaitMin),
		RetryWaitMax: orDefault(c.WaitMax, DefaultWaitMax),
		Backoff:      t.wait,
		ErrorHandler: retryablehttp.PassthroughErrorHandler,
	}
	loop.CheckRetry = func(ctx context.Context, resp *http.Response, err error) (bool, error) {
		return t.again(ctx, loop.RetryWaitMin, loop.RetryWaitMax, resp, err), nil
	}
	resp, err := loop.Do(retryable)
	if err != nil {
		return nil, callError(ctx, method, target, t, err)
	}
	answer := buffered(resp)
	if t.stopped {
		return nil, callError(ctx, method, target, t, ctx.Err())
	}
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return nil, &StatusError{
			Method:   method,
			URL:      redact(target),
			Status:   resp.StatusCode,
			Body:     scrub(target, answer),
			Attempts: t.made,
		}
	}
	return &Response{Header: resp.Header, Body: answer}, nil
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

func orDefault[T int | int64 | time.Duration](v, def T) T {
	if v > 0 {
		return v
	}
	return def
}
