package scrape

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"mime"
	"strings"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/tidegate-go/tidegate/internal/httpx"
)

// page is a parsed /metrics page. All its samples are flat and untyped, as they
// stand there; the types are kept apart.
type page struct {
	families map[string]*dto.MetricFamily
	types    map[string]string // by the name in the TYPE line
}

// parsePage reads a page of Prometheus text. It overwrites parts of body.
func parsePage(contentType string, body []byte) (*page, error) {
	openMetrics, err := checkFormat(contentType, body)
	if err != nil {
		return nil, err
	}
	if openMetrics {
		// Its last line may do without a newline, but may not be missing.
		if !bytes.HasSuffix(bytes.TrimSuffix(body, []byte("\n")), []byte("# EOF")) {
			return nil, errors.New("the OpenMetrics page is cut off: it does not end with # EOF")
		}
		if body[len(body)-1] != '\n' {
			body = append(body, '\n')
		}
	}
	excerpt := httpx.Excerpt(body) // before it is overwritten
	p := &page{types: takeMetadata(body)}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	if p.families, err = parser.TextToMetricFamilies(bytes.NewReader(body)); err != nil {
		return nil, fmt.Errorf("the page is not Prometheus text: %w; it begins %s", err, excerpt)
	}
	if len(p.families) == 0 && len(p.types) == 0 {
		return nil, errors.New("the page has no metrics at all")
	}
	return p, nil
}

// checkFormat tells by the content type whether a page is Prometheus text, and
// of which kind.
func checkFormat(contentType string, body []byte) (openMetrics bool, err error) {
	media, params, err := mime.ParseMediaType(contentType)
	version := params["version"]
	switch {
	case err != nil:
	case media == "text/plain" && (version == "" || version == "0.0.4" || version == "1.0.0"):
		return false, nil
	case media == "application/openmetrics-text" && (version == "" || version == "0.0.1" || version == "1.0.0"):
		return true, nil
	}
	what := fmt.Sprintf("content type %.100q", contentType)
	if contentType == "" {
		what = "no content type"
	}
	if excerpt := httpx.Excerpt(body); excerpt != "" {
		what += ", beginning " + excerpt
	}
	return false, fmt.Errorf("the page is not Prometheus text: %s", what)
}

// takeMetadata returns the types of the TYPE lines, and blanks these and the
// HELP lines. Without types, the parser leaves histograms and summaries as the
// flat lines they are, so their _count and _bucket are counters like any other,
// and a NaN among them is not turned into an integer. And it need not know
// the types of OpenMetrics, or the escapes that people write in help texts.
func takeMetadata(body []byte) map[string]string {
	types := make(map[string]string)
	for line := range bytes.Lines(body) {
		comment, ok := bytes.CutPrefix(bytes.TrimLeft(line, " \t"), []byte("#"))
		if !ok {
			continue
		}
		fields := bytes.Fields(comment[:min(len(comment), 1024)])
		if len(fields) == 0 {
			continue
		}
		switch string(fields[0]) {
		case "TYPE":
			if len(fields) >= 3 {
				types[strings.Trim(string(fields[1]), `"`)] = strings.ToLower(string(fields[2]))
			}
		case "HELP":
		default:
			continue
		}
		blank := bytes.TrimSuffix(comment, []byte("\n"))
		for i := range blank {
			blank[i] = ' '
		}
	}
	return types
}

// read takes both counters from a page: the total's series, and the events'.
func (p *page) read(total, events *matcher, maxSeries int) (reading, error) {
	of, err := p.take(total, maxSeries)
	if err != nil {
		return reading{}, err
	}
	bad, err := p.take(events, maxSeries)
	if err != nil {
		return reading{}, err
	}
	return reading{groups: []group{of, bad}, start: p.started()}, nil
}

// started returns when the process started, in Unix seconds, 0 if it does not say.
func (p *page) started() float64 {
	if started := p.families["process_start_time_seconds"].GetMetric(); len(started) == 1 {
		if at := started[0].GetUntyped().GetValue(); at > 0 && !math.IsInf(at, 0) {
			return at
		}
	}
	return 0
}

// take returns the values of the series that a matcher picks.
func (p *page) take(m *matcher, maxSeries int) (group, error) {
	if err := p.checkKind(m.name); err != nil {
		return nil, err
	}
	family := p.families[m.name].GetMetric()
	if _, declared := p.types[m.name]; len(family) == 0 && !declared && !m.optional {
		return nil, fmt.Errorf("no metric %q on the page%s", m.name, p.hint(m.name))
	}
	if err := m.checkLabels(family); err != nil {
		return nil, err
	}
	values := make(group)
	for _, series := range family {
		if !m.matches(series.GetLabel()) {
			continue
		}
		key := seriesKey(series.GetLabel())
		if _, twice := values[key]; twice {
			return nil, fmt.Errorf("metric %q has the same series twice", m.name)
		}
		if len(values) == maxSeries {
			return nil, fmt.Errorf("more than %d series of metric %q match", maxSeries, m.name)
		}
		count, err := wholeCount(series.GetUntyped().GetValue())
		if err != nil {
			return nil, fmt.Errorf("metric %q: %w", m.name, err)
		}
		values[key] = []uint64{count}
	}
	return values, nil
}

// checkKind refuses a metric that says of itself that it does not only go up.
func (p *page) checkKind(name string) error {
	switch kind := p.types[name]; kind {
	case "gauge", "info", "stateset":
		return fmt.Errorf("metric %q is a %s, not a counter", name, kind)
	case "histogram", "gaugehistogram", "gauge_histogram", "summary":
		return fmt.Errorf("metric %q is a %s: count its %s_count", name, kind, name)
	}
	return nil
}

// hint guesses what was meant by the name of a metric that is not there.
func (p *page) hint(name string) string {
	for _, guess := range []string{name + "_total", strings.TrimSuffix(name, "_total"), name + "_count"} {
		if guess != name && p.families[guess] != nil {
			return fmt.Sprintf(" (it has %q)", guess)
		}
	}
	return " (set Optional if it only comes with its first event)"
}
