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
	// fresh says that the value is the time of the newest sample.
	fresh bool
}

// reply is a query about one arm, and what the server said.
type reply struct {
	query
	arm    arm
	text   string
	result []Series
	err    error
}

// fail says what is wrong with a reply.
func (r reply) fail(err error) error {
	return &QueryError{Arm: r.arm.String(), Field: r.field, Query: r.text, Err: err}
}

// replies are those about one arm by field, nil if nothing can be seen of it.
type replies map[string]reply

// findings are what is known of one window.
type findings struct{ canary, baseline replies }

// enter adds a reply to those about its arm.
func (f *findings) enter(r reply) {
	of := &f.canary
	if r.arm == baseline {
		of = &f.baseline
	}
	if *of == nil {
		*of = make(replies)
	}
	(*of)[r.field] = r
}

// observe asks all queries at the end of the window.
func (q *inquiry) observe(ctx context.Context, w analysis.Window) (findings, error) {
	all, err := q.plan(w, w.End.Sub(w.Start))
	if errors.Is(err, errTooNew) {
		return findings{}, nil
	} else if err != nil {
		return findings{}, err
	}
	return q.ask(ctx, all, w)
}

// plan writes the queries about both arms, for a window of this length at the end
// of w, and members who were there for all of w. Its error is errTooNew if the
// canary has no such member. A baseline that has none is left out.
func (q *inquiry) plan(w analysis.Window, length time.Duration) ([]reply, error) {
	if len(w.Canary.Members) == 0 {
		return nil, fmt.Errorf("promql: %w: the canary has no members", analysis.ErrNoData)
	}
	all, err := q.render(w, length, canary)
	if err != nil || q.canaryOnly || len(w.Baseline.Members) == 0 {
		return all, err
	}
	more, err := q.render(w, length, baseline)
	if err != nil && !errors.Is(err, errTooNew) {
		return nil, err
	}
	return append(all, more...), nil
}

func (q *inquiry) render(w analysis.Window, length time.Duration, a arm) (all []reply, err error) {
	for _, one := range q.queries {
		template := one.canary
		if a == baseline {
			template = one.baseline
		}
		r := reply{query: one, arm: a}
		if r.text, err = template.render(w, length, a); err != nil {
			return nil, r.fail(err)
		}
		all = append(all, r)
	}
	return all, nil
}

// ask puts all queries at once, to be evaluated at the end of the window.
func (q *inquiry) ask(ctx context.Context, all []reply, w analysis.Window) (findings, error) {
	atOnce(len(all), func(i int) {
		all[i].result, all[i].err = q.server.Query(ctx, all[i].text, w.End)
	})
	return collect(all, w)
}

// atOnce calls ask for 0 to n-1, each in a goroutine of its own, and waits for all.
func atOnce(n int, ask func(i int)) {
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { ask(i) })
	}
	wg.Wait()
}

// collect sorts the replies about one window. Its error is the first of theirs, or
// that the data is not fresh.
func collect(all []reply, w analysis.Window) (findings, error) {
	var found findings
	for _, r := range all {
		if r.err == nil && r.fresh {
			r.err = checkFresh(r.result, w)
		}
		if r.err != nil {
			return findings{}, r.fail(r.err)
		}
		found.enter(r)
	}
	return found, nil
}

// checkFresh tells whether the newest sample, by its time in Unix seconds, is of
// this window.
func checkFresh(result []Series, w analysis.Window) error {
	seconds, err := single(result)
	if err != nil {
		return err
	}
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
