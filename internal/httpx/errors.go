package httpx

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

var (
	// ErrTooLarge is returned for a body larger than the client's MaxBody.
	ErrTooLarge = errors.New("the response is too large")
	// ErrRedirect is returned for a redirect that is not followed: to another
	// host or scheme, or the sixth in a row.
	ErrRedirect = errors.New("refused to follow a redirect")
	// ErrURL is returned for a URL that cannot be called. It does not show the
	// URL: where it is malformed, there's no telling what in it is a secret.
	ErrURL = errors.New("httpx: malformed URL (not shown, it may hold a secret): want http://host/path or https://host/path")
)

// StatusError is an answer with a status outside 2xx.
type StatusError struct {
	// Method is GET, or POST for an Ask.
	Method string
	// URL was asked, without user, password, query and fragment.
	URL string
	// Status is the HTTP status, such as 503.
	Status int
	// Body is what the server had to say: the first 4 KiB at most. A password
	// or query of the URL that it repeats word for word is blotted out.
	Body []byte
	// Attempts is how often it was tried.
	Attempts int
	// Broke says that it would have been tried again, had the Client's RetryShare
	// not been used up.
	Broke bool
}

// Error implements error. It shows a short excerpt of the body.
func (e *StatusError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "httpx: %s %s: %d %s", e.Method, e.URL, e.Status, http.StatusText(e.Status))
	b.WriteString(effort(e.Attempts, e.Broke))
	if excerpt := Excerpt(e.Body); excerpt != "" {
		fmt.Fprintf(&b, ": %s", excerpt)
	}
	return b.String()
}

// effort says how often a call was tried, and why not more often.
func effort(attempts int, broke bool) string {
	var parts []string
	if attempts > 1 {
		parts = append(parts, fmt.Sprintf("%d attempts", attempts))
	}
	if broke {
		parts = append(parts, "retry budget used up")
	}
	if len(parts) == 0 {
		return ""
	}
	return " (" + strings.Join(parts, ", ") + ")"
}

// Excerpt quotes the start of a body for an error message: on one line, 120
// bytes at most, unprintable bytes escaped. It is empty for a blank body.
func Excerpt(body []byte) string {
	const most = 120
	body = bytes.TrimSpace(body[:min(len(body), maxErrorBody)])
	if len(body) == 0 {
		return ""
	}
	if len(body) <= most {
		return fmt.Sprintf("%q", body)
	}
	return fmt.Sprintf("%q…", body[:most])
}

// callError is the error of a call that got no answer. When the context is
// done, that is the reason, and how the last try failed is told with it.
func callError(ctx context.Context, method string, target *url.URL, t *tries, err error) error {
	call := "httpx: " + method + " " + redact(target)
	if ctx.Err() == nil {
		err = cause(err)
		if errors.Is(err, context.DeadlineExceeded) {
			err = fmt.Errorf("no complete answer in time: %w", err)
		}
		return fmt.Errorf("%s: %w%s", call, err, effort(t.made, t.broke))
	}
	last := ""
	if t.last != "" {
		last = fmt.Sprintf(" (before that: %s)", t.last)
	}
	if why := context.Cause(ctx); !errors.Is(why, ctx.Err()) {
		return fmt.Errorf("%s: %w: %w%s", call, ctx.Err(), why, last)
	}
	return fmt.Errorf("%s: %w%s", call, ctx.Err(), last)
}

// cause strips the layers that would show the full URL.
func cause(err error) error {
	var shown *url.Error
	for errors.As(err, &shown) {
		err = shown.Err
	}
	return err
}

func parse(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, ErrURL
	}
	return u, nil
}

// redact shows where a URL points, without what may be secret in it.
func redact(u *url.URL) string {
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path, RawPath: u.RawPath}).String()
}

// scrub blots out what a server repeats of the URL's secrets.
func scrub(u *url.URL, body []byte) []byte {
	secrets := []string{u.RawQuery}
	if password, ok := u.User.Password(); ok {
		secrets = append(secrets, password)
	}
	for _, secret := range secrets {
		if secret != "" {
			body = bytes.ReplaceAll(body, []byte(secret), []byte("[redacted]"))
		}
	}
	return body
}
