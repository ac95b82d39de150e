package promql

import (
	"context"
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"time"

	"github.com/tidegate-go/tidegate/analysis"
)

const (
	// maxPoints is how many points of a range are asked for at once: servers refuse
	// more than 11,000.
	maxPoints = 10_000
	// maxPointsEach is the same where a query gives a series for each value of a
	// label, so that the answer does not get too large.
	maxPointsEach = 200
	// maxSpans is how many spans a history may have.
	maxSpans = 100_000
	// maxInstants is how many spans of history may be asked about one by one.
	maxInstants = 1000
)

// boundsOfRange finds @ start() and @ end(), which mean another time in a range
// query than in an instant query.
var boundsOfRange = regexp.MustCompile(`@\s*(start|end)\s*\(`)

// history asks all queries about each span of a window, and makes an observation of
// what is known of each. Spans of which nothing is known are left out. It is an
// error, the last one, if there is no other.
func (q *inquiry) history(ctx context.Context, w analysis.Window, every time.Duration, labelled bool,
	observe func(found findings, span analysis.Window) (analysis.Observation, error),
) ([]analysis.Observation, error) {
	h, all, err := q.historian(w, every)
	if err != nil {
		return nil, err
	}
	if labelled {
		h.points = maxPointsEach
	}
	later, err := q.plan(shifted(h.window, every), every)
	if err != nil {
		return nil, err
	}
	for i := range all {
		if all[i].text != later[i].text || boundsOfRange.MatchString(all[i].text) {
			return h.oneByOne(ctx, observe)
		}
	}
	return h.byRanges(ctx, all, observe)
}

// historian returns one for a window, and the queries for its first span.
func (q *inquiry) historian(w analysis.Window, every time.Duration) (historian, []reply, error) {
	spans := int(w.End.Sub(w.Start) / max(every, 1))
	if every < time.Millisecond || every%time.Millisecond != 0 || spans < 1 || spans > maxSpans {
		return historian{}, nil, fmt.Errorf("promql: the history from %v to %v by %v: want 1 to %d spans of whole milliseconds", w.Start, w.End, every, maxSpans)
	}
	w.End = w.Start.Add(time.Duration(spans) * every)
	all, err := q.plan(w, every)
	w.Canary, w.Baseline = settledIn(w.Canary, w.Start), settledIn(w.Baseline, w.Start)
	return historian{inquiry: q, window: w, every: every, spans: spans, points: maxPoints}, all, err
}

// settledIn is an arm with only the members that were in it from a time on.
func settledIn(a analysis.Arm, from time.Time) analysis.Arm {
	a.Members = slices.DeleteFunc(slices.Clone(a.Members), func(m analysis.Member) bool { return m.Since.After(from) })
	return a
}

// shifted is a window as long, and with the same members, a bit later.
func shifted(w analysis.Window, by time.Duration) analysis.Window {
	w.Start, w.End = w.Start.Add(by), w.End.Add(by)
	return w
}

// historian looks back over the spans of one window.
type historian struct {
	*inquiry
	window analysis.Window
	every  time.Duration
	spans  int
	points int // of a range that are asked for at once
}

// span is one of them, from 0.
func (h historian) span(i int) analysis.Window {
	w := h.window
	w.Start = w.Start.Add(time.Duration(i) * h.every)
	w.End = w.Start.Add(h.every)
	return w
}

// byRanges asks each query about all spans at once.
func (h historian) byRanges(ctx context.Context, all []reply, observe func(findings, analysis.Window) (analysis.Observation, error)) ([]analysis.Observation, error) {
	bySpan := make([][][]Series, len(all)) // of each query
	for i := range bySpan {
		bySpan[i] = make([][]Series, h.spans)
	}
	atOnce(len(all), func(n int) { all[n].err = h.askRange(ctx, all[n].text, bySpan[n]) })
	for _, r := range all {
		if r.err != nil {
			return nil, r.fail(r.err)
		}
	}
	return h.fold(func(i int) (findings, error) {
		for n := range all {
			all[n].result = bySpan[n][i]
		}
		return collect(all, h.span(i))
	}, observe)
}

// askRange asks a query about all spans, and sorts the answer by them.
func (h historian) askRange(ctx context.Context, query string, bySpan [][]Series) error {
	for first := 0; first < h.spans; first += h.points {
		last := min(first+h.points, h.spans) - 1
		result, err := h.server.QueryRange(ctx, query, h.span(first).End, h.span(last).End, h.every)
		if err != nil {
			return err
		}
		for _, s := range result {
			for _, p := range s.Points {
				i := int(math.Round(float64(p.At.Sub(h.window.Start))/float64(h.every))) - 1
				if i < first || i > last || p.At.Sub(h.span(i).End).Abs() > 2*time.Millisecond {
					return fmt.Errorf("promql: the answer has a point at %v, which was not asked about", p.At)
				}
				bySpan[i] = append(bySpan[i], Series{Labels: s.Labels, Points: []Point{p}})
			}
		}
	}
	return nil
}

// oneByOne asks about one span after the other, for queries that name a time.
func (h historian) oneByOne(ctx context.Context, observe func(findings, analysis.Window) (analysis.Observation, error)) ([]analysis.Observation, error) {
	if h.spans > maxInstants {
		return nil, fmt.Errorf("promql: a query that names a time (.Start, .End, @) must be asked about each span of its history, and %d are more than %d", h.spans, maxInstants)
	}
	return h.fold(func(i int) (findings, error) {
		span := h.span(i)
		all, err := h.plan(span, h.every)
		if err != nil {
			return findings{}, err
		}
		return h.ask(ctx, all, span)
	}, observe)
}

// fold makes an observation of each span of which something is known.
func (h historian) fold(find func(i int) (findings, error), observe func(findings, analysis.Window) (analysis.Observation, error)) ([]analysis.Observation, error) {
	var all []analysis.Observation
	var missing error
	for i := range h.spans {
		found, err := find(i)
		if err == nil {
			var o analysis.Observation
			if o, err = observe(found, h.span(i)); err == nil {
				all = append(all, o)
			}
		}
		if errors.Is(err, analysis.ErrNoData) || errors.Is(err, ErrStale) {
			missing = err
		} else if err != nil {
			return nil, err
		}
	}
	if len(all) == 0 {
		return nil, missing
	}
	return all, nil
}
