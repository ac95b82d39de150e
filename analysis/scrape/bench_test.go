package scrape_test

import (
	"fmt"
	"strings"
	"testing"
)

func BenchmarkObserve100Targets(b *testing.B) {
	f := newFleet(b)
	var page strings.Builder
	for i := range 20 {
		fmt.Fprintf(&page, "reqs_total{path=\"/%d\",code=\"%d\"} %d\n", i, 200+i%2*300, i)
	}
	for i := range 200 {
		fmt.Fprintf(&page, "go_something_%d 1.5\n", i)
	}
	var canary, baseline []string
	for i := range 100 {
		name := fmt.Sprintf("t%d", i)
		f.show(name, page.String())
		if i < 10 {
			canary = append(canary, name)
		} else {
			baseline = append(baseline, name)
		}
	}
	c := f.counters(b)
	w := window(1, strings.Join(canary, " "), strings.Join(baseline, " "))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Observe(b.Context(), w); err != nil {
			b.Fatal(err)
		}
	}
}
