package promql

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/prometheus/common/model"

	"github.com/tidegate-go/tidegate/internal/httpx"
)

// envelope is what every answer of the API comes in.
type envelope struct {
	Status    string          `json:"status"`
	Data      json.RawMessage `json:"data"`
	ErrorType string          `json:"errorType"`
	Error     string          `json:"error"`
	Warnings  []string        `json:"warnings"`
	Infos     []string        `json:"infos"`
	// IsPartial is VictoriaMetrics' word for an answer that lacks data.
	IsPartial bool `json:"isPartial"`
}

// answer is a result that is not decoded yet. Decoding is strict: encoding/json
// makes a zero of what is missing, and here that would be a measurement.
type answer struct {
	kind     string
	result   json.RawMessage
	warnings []string
	infos    []string
}

// decode opens the envelope.
func decode(contentType string, body []byte) (*answer, error) {
	var e envelope
	if err := json.Unmarshal(body, &e); err != nil {
		return nil, fmt.Errorf("promql: the answer is not a Prometheus API's: %w (content type %s, beginning %s)", err, brief(contentType), httpx.Excerpt(body))
	}
	if e.Status == "error" {
		return nil, &APIError{Status: 200, Type: e.ErrorType, Msg: e.Error}
	}
	var data struct {
		ResultType string          `json:"resultType"`
		Result     json.RawMessage `json:"result"`
	}
	if e.Status != "success" {
		return nil, fmt.Errorf("promql: the answer is not a Prometheus API's: no status (content type %s, beginning %s)", brief(contentType), httpx.Excerpt(body))
	}
	if err := json.Unmarshal(e.Data, &data); err != nil {
		return nil, malformed(err)
	}
	a := &answer{kind: data.ResultType, result: data.Result, infos: e.Infos, warnings: e.Warnings}
	if e.IsPartial {
		a.warnings = append(a.warnings, "the answer is partial")
	}
	return a, nil
}

func malformed(err error) error { return fmt.Errorf("promql: malformed answer: %w", err) }

func (a *answer) warned() bool { return len(a.warnings) > 0 }

// notes is all that the server remarks, bounded.
func (a *answer) notes() (notes []string) {
	const most = 10
	for _, list := range [][]string{a.warnings, a.infos} {
		for _, note := range list {
			if len(notes) == most {
				return append(notes, "and more")
			}
			notes = append(notes, brief(note))
		}
	}
	return notes
}

// instant decodes what was evaluated at one time.
func (a *answer) instant(at time.Time) ([]Series, error) {
	var result []Series
	switch a.kind {
	case "scalar":
		p, err := point(a.result)
		if err != nil {
			return nil, malformed(err)
		}
		result = []Series{{Points: []Point{p}}}
	case "vector":
		list, err := a.list()
		if err != nil {
			return nil, err
		}
		for _, s := range list {
			if len(s.Histogram) > 0 {
				return nil, errHistogram
			}
			p, err := point(s.Value)
			if err != nil {
				return nil, malformed(err)
			}
			result = append(result, Series{Labels: labels(s.Metric), Points: []Point{p}})
		}
	case "matrix", "string":
		return nil, fmt.Errorf("promql: the query gives a %s, not a number: want an instant vector or a scalar", a.kind)
	default:
		return nil, malformed(fmt.Errorf("unknown result type %s", brief(a.kind)))
	}
	for _, s := range result {
		if off := s.Points[0].At.Sub(at).Abs(); off > tolerance {
			return nil, fmt.Errorf("promql: asked for %s, the server answered for %s", at.UTC().Format(time.RFC3339), s.Points[0].At.Format(time.RFC3339))
		}
	}
	return result, nil
}

// ranged decodes what was evaluated over a range of time.
func (a *answer) ranged(start, end time.Time) ([]Series, error) {
	if a.kind != "matrix" {
		return nil, malformed(fmt.Errorf("result type %s for a range", brief(a.kind)))
	}
	list, err := a.list()
	if err != nil {
		return nil, err
	}
	var result []Series
	for _, s := range list {
		if len(s.Histograms) > 0 {
			return nil, errHistogram
		}
		var pairs []json.RawMessage
		if err := json.Unmarshal(s.Values, &pairs); err != nil || len(pairs) == 0 {
			return nil, malformed(errors.New("a series without values"))
		}
		points := make([]Point, len(pairs))
		for i, pair := range pairs {
			if points[i], err = point(pair); err != nil {
				return nil, malformed(err)
			}
			at := points[i].At
			if at.Before(start.Add(-tolerance)) || at.After(end.Add(tolerance)) || i > 0 && !at.After(points[i-1].At) {
				return nil, malformed(errors.New("points out of order, or outside of the range"))
			}
		}
		result = append(result, Series{Labels: labels(s.Metric), Points: points})
	}
	return result, nil
}

// tolerance is how far the time of an answer may be from the time asked about:
// more than any rounding.
const tolerance = time.Second

var errHistogram = errors.New("promql: the query gives a native histogram, not a number: use histogram_quantile() or histogram_count()")

// raw is one series on the wire.
type raw struct {
	Metric     model.Metric    `json:"metric"`
	Value      json.RawMessage `json:"value"`
	Values     json.RawMessage `json:"values"`
	Histogram  json.RawMessage `json:"histogram"`
	Histograms json.RawMessage `json:"histograms"`
}

func (a *answer) list() ([]raw, error) {
	var list []raw
	if err := json.Unmarshal(a.result, &list); err != nil {
		return nil, malformed(err)
	}
	if list == nil {
		return nil, malformed(errors.New("no result"))
	}
	return list, nil
}

// point decodes [1700000000.123,"42"].
func point(text json.RawMessage) (Point, error) {
	var pair []json.RawMessage
	if err := json.Unmarshal(text, &pair); err != nil || len(pair) != 2 {
		return Point{}, fmt.Errorf("a value that is no pair of time and number: %s", httpx.Excerpt(text))
	}
	var at model.Time
	var value model.SampleValue
	if err := at.UnmarshalJSON(pair[0]); err != nil {
		return Point{}, fmt.Errorf("a time that is none: %s", httpx.Excerpt(pair[0]))
	}
	if err := value.UnmarshalJSON(pair[1]); err != nil {
		return Point{}, fmt.Errorf("a value that is no number: %s", httpx.Excerpt(pair[1]))
	}
	return Point{At: at.Time().UTC(), Value: float64(value)}, nil
}

func labels(m model.Metric) map[string]string {
	if len(m) == 0 {
		return nil
	}
	all := make(map[string]string, len(m))
	for name, value := range m {
		all[string(name)] = string(value)
	}
	return all
}
