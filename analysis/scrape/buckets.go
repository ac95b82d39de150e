package scrape

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	dto "github.com/prometheus/client_model/go"
)

// bucketLabel tells the buckets of one series apart: the value is their boundary.
const bucketLabel = "le"

// bucket is one line of a histogram: how many events were at or below a boundary.
type bucket struct {
	bound float64
	upTo  uint64
}

// histogram takes the series of a classic histogram from a page.
func (p *page) histogram(m *matcher, maxSeries int) (reading, error) {
	lines, err := p.bucketLines(m)
	if err != nil {
		return reading{}, err
	}
	bySeries := make(map[string][]bucket)
	for _, line := range lines {
		if !m.matches(line.GetLabel()) {
			continue
		}
		b, rest, err := readBucket(line)
		if err != nil {
			return reading{}, fmt.Errorf("histogram %q: %w", m.name, err)
		}
		key := seriesKey(rest)
		if bySeries[key] == nil && len(bySeries) == maxSeries {
			return reading{}, fmt.Errorf("more than %d series of histogram %q match", maxSeries, m.name)
		}
		bySeries[key] = append(bySeries[key], b)
	}
	r := reading{groups: []group{make(group, len(bySeries))}, start: p.started()}
	for key, buckets := range bySeries {
		bounds, values, err := apart(buckets)
		switch {
		case err != nil:
			return reading{}, fmt.Errorf("histogram %q: %w", m.name, err)
		case r.bounds != nil && !slices.Equal(bounds, r.bounds):
			return reading{}, fmt.Errorf("histogram %q has series with different buckets, up to %v and up to %v: match those of one kind", m.name, ends(r.bounds), ends(bounds))
		}
		r.bounds, r.groups[0][key] = bounds, values
	}
	return r, nil
}

// bucketLines finds the lines of a histogram.
func (p *page) bucketLines(m *matcher) ([]*dto.Metric, error) {
	lines := p.families[m.name+"_bucket"].GetMetric()
	kind, declared := p.types[m.name]
	switch {
	case declared && kind == "summary":
		return nil, fmt.Errorf("metric %q is a summary, whose quantiles cannot be added up: want a histogram", m.name)
	case declared && kind != "histogram" && (kind != "untyped" && kind != "unknown" || len(lines) == 0):
		return nil, fmt.Errorf("metric %q is a %s, not a histogram", m.name, kind)
	case len(lines) == 0 && !declared && !m.optional:
		return nil, fmt.Errorf("no histogram %q on the page%s", m.name, p.histogramHint(m.name))
	}
	return lines, m.checkLabels(lines)
}

// histogramHint guesses what was meant by the name of a histogram that is not
// there.
func (p *page) histogramHint(name string) string {
	base := name
	for _, suffix := range []string{"_bucket", "_count", "_sum"} {
		base = strings.TrimSuffix(base, suffix)
	}
	switch {
	case base != name && p.families[base+"_bucket"] != nil:
		return fmt.Sprintf(" (it has %q)", base)
	case p.families[name] != nil:
		return " (what it has by that name is no histogram)"
	}
	return " (set Optional if it only comes with its first event)"
}

// readBucket reads one line, and returns the labels that tell which series it
// belongs to.
func readBucket(line *dto.Metric) (b bucket, rest []*dto.LabelPair, err error) {
	text := valueOf(line.GetLabel(), bucketLabel)
	if b.bound, err = strconv.ParseFloat(text, 64); err != nil || math.IsNaN(b.bound) || math.IsInf(b.bound, -1) {
		return bucket{}, nil, fmt.Errorf("a bucket ends at %.40q, which is no number", text)
	}
	if b.upTo, err = wholeCount(line.GetUntyped().GetValue()); err != nil {
		return bucket{}, nil, err
	}
	rest = slices.DeleteFunc(slices.Clone(line.GetLabel()), func(l *dto.LabelPair) bool { return l.GetName() == bucketLabel })
	return b, rest, nil
}

// apart returns the finite boundaries of a series, and the number of events in
// each bucket alone, with those beyond the last boundary at the end.
func apart(buckets []bucket) (bounds []float64, values []uint64, err error) {
	slices.SortFunc(buckets, func(a, b bucket) int { return cmp.Compare(a.bound, b.bound) })
	before := bucket{bound: math.Inf(-1)}
	for _, b := range buckets {
		switch {
		case b.bound == before.bound:
			return nil, nil, fmt.Errorf("two buckets of a series end at %v", b.bound)
		case b.upTo < before.upTo:
			return nil, nil, fmt.Errorf("there are %d events up to %v, but %d up to %v", before.upTo, before.bound, b.upTo, b.bound)
		}
		if !math.IsInf(b.bound, 1) {
			bounds = append(bounds, b.bound)
		}
		values = append(values, b.upTo-before.upTo)
		before = b
	}
	switch {
	case !math.IsInf(before.bound, 1):
		return nil, nil, errors.New("a series has no bucket for +Inf")
	case len(bounds) == 0:
		return nil, nil, errors.New("a series has no bucket but that for +Inf (a native histogram shows its buckets here if it has classic ones too)")
	}
	return bounds, values, nil
}

// ends shows boundaries in an error: all of a few, or the first and last of many.
func ends(bounds []float64) string {
	const few = 12
	if len(bounds) <= few {
		return fmt.Sprint(bounds)
	}
	return fmt.Sprintf("[%s … %v] (%d)", strings.Trim(fmt.Sprint(bounds[:few-2]), "[]"), bounds[len(bounds)-1], len(bounds))
}
