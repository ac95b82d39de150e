package promql

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/template"
	"time"

	"github.com/tidegate-go/tidegate/analysis"
)

// errTooNew means that no member was in its arm for the whole window.
var errTooNew = fmt.Errorf("%w: no member was in its arm for the whole window", analysis.ErrNoData)

// question is a query's template made ready.
type question struct {
	template *template.Template
}

func compile(field, source string) (*question, error) {
	t, err := template.New(field).Funcs(template.FuncMap{"regex": literally}).Parse(source)
	if err != nil {
		return nil, err
	}
	return &question{t}, nil
}

// render writes the query about one arm of a window, of which it is to see a part
// of this length, which may be all.
func (q *question) render(w analysis.Window, length time.Duration, a arm) (string, error) {
	v := &view{window: w, length: length, arm: a}
	var b strings.Builder
	if err := q.template.Execute(&b, v); err != nil {
		if v.err != nil {
			err = v.err // without the template's own words around it
		}
		return "", err
	}
	query := strings.TrimSpace(b.String())
	if query == "" {
		return "", errors.New("the template comes to an empty query")
	}
	return query, nil
}

type arm uint8

const (
	canary arm = iota + 1
	baseline
)

// String returns the arm's name.
func (a arm) String() string {
	if a == canary {
		return "canary"
	}
	return "baseline"
}

func (a arm) of(w analysis.Window) analysis.Arm {
	if a == canary {
		return w.Canary
	}
	return w.Baseline
}

// view is what a template sees. The package's documentation lists its methods.
type view struct {
	window analysis.Window
	length time.Duration
	arm    arm
	err    error
}

// Arm is the members of the arm that is asked about.
func (v *view) Arm() (pattern, error) { return v.members(v.arm) }

// Canary is the members of the canary.
func (v *view) Canary() (pattern, error) { return v.members(canary) }

// Baseline is the members of the baseline.
func (v *view) Baseline() (pattern, error) { return v.members(baseline) }

// IsCanary tells whether the canary is asked about.
func (v *view) IsCanary() bool { return v.arm == canary }

// Label is the values that a label has among the members of the arm that is
// asked about.
func (v *view) Label(name string) (pattern, error) {
	members, err := v.settled(v.arm)
	if err != nil {
		return "", err
	}
	values := make([]string, len(members))
	for i, m := range members {
		values[i] = m.Labels[name]
		if err := checkName(fmt.Sprintf("the label %q of the target %q", name, m.Name), values[i]); err != nil {
			return "", v.fail(err)
		}
	}
	return distinct(values), nil
}

// Version is the version of the arm that is asked about.
func (v *view) Version() (text, error) { return v.version(v.arm) }

// CanaryVersion is the new version.
func (v *view) CanaryVersion() (text, error) { return v.version(canary) }

// BaselineVersion is the old version.
func (v *view) BaselineVersion() (text, error) { return v.version(baseline) }

// Window is the length of the window.
func (v *view) Window() (string, error) {
	length := v.length.Round(time.Millisecond)
	if length <= 0 {
		return "", v.fail(fmt.Errorf("%w: the window is empty", analysis.ErrNoData))
	}
	return duration(length), nil
}

// Wave is the number of the wave, from 1.
func (v *view) Wave() int { return v.window.Wave }

// Start is the time at which the window begins.
func (v *view) Start() string { return unixSeconds(v.window.Start) }

// End is the time at which the window ends.
func (v *view) End() string { return unixSeconds(v.window.End) }

func (v *view) members(a arm) (pattern, error) {
	members, err := v.settled(a)
	if err != nil {
		return "", err
	}
	names := make([]string, len(members))
	for i, m := range members {
		if err := checkName("the name of a target", m.Name); err != nil {
			return "", v.fail(err)
		}
		names[i] = m.Name
	}
	return distinct(names), nil
}

// settled returns the members that were in the arm for the whole window: what
// others did at its beginning belongs to nobody, or to the other arm.
func (v *view) settled(a arm) ([]analysis.Member, error) {
	all := a.of(v.window).Members
	if len(all) == 0 {
		return nil, v.fail(fmt.Errorf("%w: the %s has no members", analysis.ErrNoData, a))
	}
	var members []analysis.Member
	for _, m := range all {
		if !m.Since.After(v.window.Start) {
			members = append(members, m)
		}
	}
	if len(members) == 0 {
		return nil, v.fail(errTooNew)
	}
	return members, nil
}

func (v *view) version(a arm) (text, error) {
	version := a.of(v.window).Version
	if err := checkName(fmt.Sprintf("the version of the %s", a), version); err != nil {
		return "", v.fail(err)
	}
	return text(version), nil
}

func (v *view) fail(err error) error {
	v.err = err
	return err
}

func distinct(values []string) pattern {
	slices.Sort(values)
	return anyOf(slices.Compact(values))
}
