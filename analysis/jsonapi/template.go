package jsonapi

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"text/template"
	"time"

	"github.com/tidegate-go/tidegate/analysis"
)

// errTooNew means that no member was in its arm for the whole window.
var errTooNew = fmt.Errorf("%w: no member was in its arm for the whole window", analysis.ErrNoData)

// errAddress does not show the URL: a key may be in it.
var errAddress = errors.New("is malformed (not shown, it may hold a secret): want http://host/path or https://host/path, with nothing to fill in before the path")

type arm string

const (
	canary   arm = "canary"
	baseline arm = "baseline"
)

func (a arm) of(w analysis.Window) analysis.Arm {
	if a == canary {
		return w.Canary
	}
	return w.Baseline
}

// address is a URL's template made ready.
type address struct{ template *template.Template }

func parseAddress(field, text string) (*address, error) {
	fixed, _, _ := strings.Cut(text, "{{")
	u, err := url.Parse(fixed)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || fixed != text && u.Path == "" {
		return nil, errAddress
	}
	if u.User != nil {
		return nil, errors.New("holds a user: set a header in its place")
	}
	t, err := template.New(field).Parse(text)
	if err != nil {
		return nil, fmt.Errorf("is no template: %w", err)
	}
	return &address{t}, nil
}

// render writes the URL about one arm of a window.
func (a *address) render(w analysis.Window, about arm) (string, error) {
	v := &view{window: w, arm: about}
	var b strings.Builder
	if err := a.template.Execute(&b, v); err != nil {
		if v.err != nil {
			err = v.err // without the template's own words around it
		}
		return "", err
	}
	return b.String(), nil
}

// view is what a template sees. The package's documentation lists its methods.
type view struct {
	window analysis.Window
	arm    arm
	err    error
}

// Arm is canary or baseline.
func (v *view) Arm() string { return string(v.arm) }

// IsCanary tells whether the canary is asked about.
func (v *view) IsCanary() bool { return v.arm == canary }

// Version is the version of the arm that is asked about.
func (v *view) Version() (string, error) { return v.version(v.arm) }

// CanaryVersion is the new version.
func (v *view) CanaryVersion() (string, error) { return v.version(canary) }

// BaselineVersion is the old version.
func (v *view) BaselineVersion() (string, error) { return v.version(baseline) }

// Members is the names of the members that were in the arm for the whole window.
func (v *view) Members(separator string) (string, error) {
	var names []string
	for _, m := range v.arm.of(v.window).Members {
		if m.Since.After(v.window.Start) {
			continue
		}
		name, err := v.escaped("the name of a target", m.Name)
		if err != nil {
			return "", err
		}
		names = append(names, name)
	}
	if len(names) == 0 {
		return "", v.fail(errTooNew)
	}
	slices.Sort(names)
	return strings.Join(slices.Compact(names), escape(separator)), nil
}

// Wave is the number of the wave, from 1.
func (v *view) Wave() int { return v.window.Wave }

// Start is the time at which the window begins.
func (v *view) Start() int64 { return v.window.Start.Unix() }

// End is the time at which the window ends.
func (v *view) End() int64 { return v.window.End.Unix() }

// StartMillis is the time at which the window begins.
func (v *view) StartMillis() int64 { return v.window.Start.UnixMilli() }

// EndMillis is the time at which the window ends.
func (v *view) EndMillis() int64 { return v.window.End.UnixMilli() }

// StartTime is the time at which the window begins.
func (v *view) StartTime() string { return rfc3339(v.window.Start) }

// EndTime is the time at which the window ends.
func (v *view) EndTime() string { return rfc3339(v.window.End) }

func (v *view) version(a arm) (string, error) {
	return v.escaped(fmt.Sprintf("the version of the %s", a), a.of(v.window).Version)
}

// escaped refuses what may have a meaning in a query language.
func (v *view) escaped(what, name string) (string, error) {
	if name == "" {
		return "", v.fail(fmt.Errorf("%s is empty: the API might answer for everything", what))
	}
	if strings.Trim(name, ".") == "" {
		return "", v.fail(fmt.Errorf("%s is %q, which is not safe in a path", what, name))
	}
	for _, r := range name {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("._:/@+~-", r) {
			return "", v.fail(fmt.Errorf("%s, %s, has %s in it, which is not safe in a query", what, quote([]byte(name)), strconv.QuoteRune(r)))
		}
	}
	return escape(name), nil
}

func (v *view) fail(err error) error {
	v.err = err
	return err
}

// escape makes text fit for a URL's path and query alike.
func escape(text string) string { return strings.ReplaceAll(url.QueryEscape(text), "+", "%20") }

func rfc3339(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
