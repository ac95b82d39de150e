package httpx

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/hashicorp/go-retryablehttp"
)

// call asks a host, if its circuit lets it, and tells the circuit what came of it.
func (c *Client) call(ctx context.Context, method, url string, form url.Values) (*Response, error) {
	c.once.Do(c.init)
	target, err := parse(url)
	if err != nil {
		return nil, err
	}
	t := &tries{most: orDefault(c.Attempts, DefaultAttempts), spend: c.budget.spend}
	if c.RetryShare < 0 {
		t.spend = func() bool { return true }
	}
	if ctx.Err() != nil {
		return nil, callError(ctx, method, target, t, ctx.Err())
	}
	if c.OpenAfter < 0 {
		return c.try(ctx, method, target, form, t)
	}
	host := c.host(target)
	trial, err := c.circuits.enter(host, time.Now())
	if err != nil {
		return nil, fmt.Errorf("httpx: %s %s: %w", method, redact(target), err)
	}
	if trial {
		t.most = 1
	}
	seen := noVerdict
	defer func() { c.circuits.leave(host, time.Now(), trial, seen, t.last) }() // even if Authorize panics
	resp, err := c.try(ctx, method, target, form, t)
	seen = judge(ctx, t, err)
	return resp, err
}

// try asks until there is an answer, or the tries are used up.
func (c *Client) try(ctx context.Context, method string, target *url.URL, form url.Values, t *tries) (*Response, error) {
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
	c.budget.earn(orDefault(c.RetryShare, DefaultRetryShare))

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
			Broke:    t.broke,
		}
	}
	return &Response{Header: resp.Header, Body: answer}, nil
}

// host names what a call's circuit is for. It's never shown: it may hold a secret.
func (c *Client) host(target *url.URL) string {
	host := target.Scheme + "://" + target.Host
	if c.PerURL {
		host += target.RequestURI()
	}
	return host
}

// judge says what a call has shown of its host. Any answer shows that it works,
// also one that is of no use. A deadline that passes while the host is asked is
// its failure: there's no other way to tell that it hangs. A caller that gives up
// for another reason says nothing of it.
func judge(ctx context.Context, t *tries, err error) verdict {
	var status *StatusError
	var stop *finalError
	switch {
	case err == nil:
		return working
	case errors.As(err, &status) && !retryableStatus(status.Status):
		return working
	case errors.Is(err, ErrTooLarge) || errors.Is(err, ErrRedirect):
		return working
	case errors.As(err, &stop) || t.made == 0 || errors.Is(ctx.Err(), context.Canceled):
		return noVerdict
	}
	if t.last == "" {
		t.last = "no complete answer in time"
	}
	return failing
}
