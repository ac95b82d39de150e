package promql

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/tidegate-go/tidegate/analysis"
)

// inquiry is what a source asks about each arm, made ready.
type inquiry struct {
	server     *Server
	canaryOnly bool
	queries    []query
}

// query is one setting of a source: one template for both arms, or one each.
type query struct {
	field    string
	canary   *question
	baseline *question
	// optional says that no series means zero.
	optional bool
	// fresh says that the value is the time of the newest sample.
	fresh bool
}

// asked is a query about one arm, and what came of it.
type asked struct {
	query
	arm   arm
	text  string
	value float64
	err   error
}

// findings are the values by field, nil for an arm of which nothing can be seen.
type findings struct {
	canary, baseline map[string]float64
}

// observe asks all queries at the end of the window.
func (q *inquiry) observe(ctx context.Context, w analysis.Window) (findings, error) {
	var found findings
	if len(w.Canary.Members) == 0 {
		return found, fmt.Errorf("promql: %w: the canary has no members", analysis.ErrNoData)
	}
	all, err := q.render(w, canary)
	if errors.Is(err, errTooNew) {
		return found, nil
	} else if err != nil {
		return found, err
	}
	found.canary = make(map[string]float64)
	if !q.canaryOnly && len(w.Baseline.Members) > 0 {
		more, err := q.render(w, baseline)
		if err == nil {
			found.baseline = make(map[string]float64)
			all = append(all, more...)
		} else if !errors.Is(err, errTooNew) {
			return findings{}, err
		}
	}
	var wg sync.WaitGroup
	for i := range all {
		wg.Go(func() { all[i].value, all[i].err = q.ask(ctx, w, all[i]) })
	}
	wg.Wait()
	for _, a := range all {
		if a.err != nil {
			return findings{}, &QueryError{Arm: a.arm.String(), Field: a.field, Query: a.text, Err: a.err}
		}
		if a.arm == canary {
			found.canary[a.field] = a.value
		} else {
			found.baseline[a.field] = a.value
		}
	}
	return found, nil
}

func (q *inquiry) render(w analysis.Window, a arm) (all []asked, err error) {
	for _, one := range q.queries {
		template := one.canary
		if a == baseline {
			template = one.baseline
		}
		text, err := template.render(w, a)
		if err != nil {
			return nil, &QueryError{Arm: a.String(), Field: one.field, Err: err}
		}
		all = append(all, asked{query: one, arm: a, text: text})
	}
	return all, nil
}

func (q *inquiry) ask(ctx context.Context, w analysis.Window, a asked) (float64, error) {
	result, err := q.server.Query(ctx, a.text, w.End)
	if err != nil {
		return 0, err
	}
	value, err := single(result)
	if a.optional && errors.Is(err, errNoSeries) {
		return 0, nil
	}
	if err == nil && a.fresh {
		err = checkFresh(value, w)
	}
	return value, err
}

// checkFresh tells whether the newest sample, by its time in Unix seconds, is of
// this window.
func checkFresh(seconds float64, w analysis.Window) error {
	if math.Abs(seconds) > 1e11 || unix(seconds).After(w.End.Add(tolerance)) {
		return fmt.Errorf("%v is later than the query's own time: want Unix seconds, as timestamp() gives them", seconds)
	}
	if newest := unix(seconds); newest.Before(w.Start.Truncate(time.Millisecond)) {
		return fmt.Errorf("%w: the newest sample is of %s, but the window begins at %s",
			ErrStale, newest.Format(time.RFC3339), w.Start.UTC().Format(time.RFC3339))
	}
	return nil
}

func unix(seconds float64) time.Time { return time.UnixMilli(int64(math.Round(seconds * 1000))).UTC() }
