package scrape

import (
	"fmt"
	"net/http"
	"time"
)

// Defaults of Counters and Histogram.
const (
	// DefaultMinTargets is the share of each arm that must be read, in percent.
	DefaultMinTargets = 50
	// DefaultTimeout bounds the reading of one target.
	DefaultTimeout = 3 * time.Second
	// DefaultConcurrency is how many targets are read at a time.
	DefaultConcurrency = 32
	// DefaultMaxPage is the largest page, in bytes after decompression.
	DefaultMaxPage = 4 << 20
	// DefaultMaxSeries is how many series of one target may match.
	DefaultMaxSeries = 10_000
)

// settings are those that Counters and Histogram have in common: how to get at
// the pages.
type settings struct {
	url         func(target string) string
	minTargets  int
	timeout     time.Duration
	concurrency int
	maxPage     int64
	maxSeries   int
	header      http.Header
	authorize   func(*http.Request) error
	transport   http.RoundTripper
}

func (s settings) problems(report func(path, msg string)) {
	if s.minTargets < 0 || s.minTargets > 100 {
		report("MinTargets", fmt.Sprintf("is %d: want a percentage from 1 to 100, or 0 for %d", s.minTargets, DefaultMinTargets))
	}
	for _, field := range []struct {
		path  string
		value int64
	}{
		{"Timeout", int64(s.timeout)},
		{"Concurrency", int64(s.concurrency)},
		{"MaxPage", s.maxPage},
		{"MaxSeries", int64(s.maxSeries)},
	} {
		if field.value < 0 {
			report(field.path, "is negative")
		}
	}
}

// withDefaults fills in what is zero.
func (s settings) withDefaults() settings {
	s.minTargets = orDefault(s.minTargets, DefaultMinTargets)
	s.timeout = orDefault(s.timeout, DefaultTimeout)
	s.concurrency = orDefault(s.concurrency, DefaultConcurrency)
	s.maxPage = orDefault(s.maxPage, DefaultMaxPage)
	s.maxSeries = orDefault(s.maxSeries, DefaultMaxSeries)
	return s
}

func orDefault[T int | int64 | time.Duration](v, def T) T {
	if v > 0 {
		return v
	}
	return def
}
