package httpx

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"
)

const (
	maxRedirects = 5
	// maxErrorBody is how much is kept of the body of an answer outside 2xx.
	maxErrorBody = 4 << 10
)

// exchange is one request and its whole answer. It reads the body within the
// try, so that a body that breaks off, stalls or never ends is a failure of
// that try like any other.
//
// It hides the CloseIdleConnections of its base on purpose: go-retryablehttp
// calls that after every failure, and one bad target would cost the
// connections to all others.
type exchange struct {
	base      http.RoundTripper
	header    http.Header
	authorize func(*http.Request) error
	maxBody   int64
}

// RoundTrip implements http.RoundTripper.
func (e *exchange) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context()) // a RoundTripper must not change its request
	req.Header.Set("User-Agent", "tidegate")
	for name, values := range e.header {
		req.Header[name] = append([]string(nil), values...)
	}
	if e.authorize != nil {
		if err := e.authorize(req); err != nil {
			return nil, &finalError{fmt.Errorf("authorize: %w", err)}
		}
	}
	resp, err := e.base.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if err := e.checkRedirect(req.URL, resp); err != nil {
		return nil, err
	}
	body, err := e.read(resp)
	if err != nil {
		return nil, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, nil
}

// checkRedirect refuses a redirect to elsewhere before anything is sent there.
func (e *exchange) checkRedirect(from *url.URL, resp *http.Response) error {
	location := resp.Header.Get("Location")
	if resp.StatusCode < 300 || resp.StatusCode > 399 || location == "" {
		return nil
	}
	to, err := from.Parse(location)
	if err != nil {
		return fmt.Errorf("%w: to a location that does not parse", ErrRedirect)
	}
	if to.Scheme != from.Scheme || to.Host != from.Host {
		return fmt.Errorf("%w: to %s, another host or scheme", ErrRedirect, redact(to))
	}
	return nil
}

func (e *exchange) read(resp *http.Response) ([]byte, error) {
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		// The status is the answer already. What can be had of the body explains
		// it; reading past the excerpt to the end lets the connection be reused.
		body, _ := io.ReadAll(io.LimitReader(resp.Body, maxErrorBody))
		_, _ = io.CopyN(io.Discard, resp.Body, maxErrorBody)
		return body, nil
	}
	if resp.ContentLength > e.maxBody {
		return nil, fmt.Errorf("%w: %d bytes announced, limit %d", ErrTooLarge, resp.ContentLength, e.maxBody)
	}
	var buf bytes.Buffer
	if resp.ContentLength > 0 {
		buf.Grow(int(resp.ContentLength) + bytes.MinRead)
	}
	if _, err := buf.ReadFrom(io.LimitReader(resp.Body, e.maxBody+1)); err != nil {
		return nil, fmt.Errorf("reading the body: %w", err)
	}
	if int64(buf.Len()) > e.maxBody {
		return nil, fmt.Errorf("%w: limit %d bytes", ErrTooLarge, e.maxBody)
	}
	return buf.Bytes(), nil
}

// buffered takes a body that RoundTrip has read already.
func buffered(resp *http.Response) []byte {
	body, _ := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	return body
}

func newTransport(config *tls.Config) *http.Transport {
	dialer := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            dialer.DialContext,
		ForceAttemptHTTP2:      true,
		TLSClientConfig:        config.Clone(),
		TLSHandshakeTimeout:    10 * time.Second,
		MaxIdleConns:           0, // one per polled target, however many
		MaxIdleConnsPerHost:    8, // the checks of a gate that share one API
		IdleConnTimeout:        90 * time.Second,
		MaxResponseHeaderBytes: 256 << 10,
	}
}

// finalError marks an error that trying again cannot help.
type finalError struct{ error }

// Unwrap implements errors.Unwrap.
func (e *finalError) Unwrap() error { return e.error }

func final(err error) bool {
	var f *finalError
	return errors.As(err, &f) || errors.Is(err, ErrTooLarge) || errors.Is(err, ErrRedirect) || untrusted(err)
}
