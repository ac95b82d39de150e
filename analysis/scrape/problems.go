package scrape

import (
	"fmt"
	"maps"
)

// Problems reports everything that is wrong with the settings, as the path of
// the field and what is wrong with it. It contacts no target. Observe refuses to
// work with settings that have a problem.
func (c *Counters) Problems(report func(path, msg string)) {
	if c.URL == nil {
		report("URL", "is nil: there is no telling where the pages are")
	}
	c.Total.problems("Total", report)
	c.Events.problems("Events", report)
	if c.Total.Name != "" && c.Total.Name == c.Events.Name && maps.Equal(c.Total.Match, c.Events.Match) {
		report("Events", "is the same counter as Total: every request would count as an error")
	}
	if c.MinTargets < 0 || c.MinTargets > 100 {
		report("MinTargets", fmt.Sprintf("is %d: want a percentage from 1 to 100, or 0 for %d", c.MinTargets, DefaultMinTargets))
	}
	for _, field := range []struct {
		path  string
		value int64
	}{
		{"Timeout", int64(c.Timeout)},
		{"Concurrency", int64(c.Concurrency)},
		{"MaxPage", c.MaxPage},
		{"MaxSeries", int64(c.MaxSeries)},
	} {
		if field.value < 0 {
			report(field.path, "is negative")
		}
	}
}
