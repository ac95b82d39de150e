package command

import (
	"context"
	"fmt"
	"sync"

	"github.com/tidegate-go/tidegate/analysis"
)

// Gauge is an analysis.Source that sees one value per arm, such as a latency or a
// queue's length: the number that a program prints. It is run for both arms at a
// time. It is safe for concurrent use, if its fields are not changed.
type Gauge struct {
	// Program prints the number. Required.
	Program Program
	// CanaryOnly says not to run it for the baseline, for judges that hold a figure
	// against fixed limits.
	CanaryOnly bool
}

var (
	_ analysis.Source    = (*Gauge)(nil)
	_ analysis.Problemer = (*Gauge)(nil)
)

// Observe runs the program for each arm that has members, with the window's End as
// the observation's time. Without baseline members the baseline is no data.
//
// When ctx is done it stops the programs and returns, with its error and cause.
// errors.Is finds analysis.ErrNoData when there was no number or the canary has no
// members, and errors.As an *exec.ExitError when a program failed.
func (g *Gauge) Observe(ctx context.Context, w analysis.Window) (analysis.Observation, error) {
	if err := check("Gauge", g, w); err != nil {
		return analysis.Observation{}, err
	}
	o := analysis.Observation{At: w.End}
	var errCanary, errBaseline error
	var wg sync.WaitGroup
	wg.Go(func() { o.Canary, errCanary = g.ask(ctx, w, canary) })
	if !g.CanaryOnly && len(w.Baseline.Members) > 0 {
		wg.Go(func() { o.Baseline, errBaseline = g.ask(ctx, w, baseline) })
	}
	wg.Wait()
	for _, err := range []error{errCanary, errBaseline} {
		if err != nil {
			return analysis.Observation{}, err
		}
	}
	return o, nil
}

// Problems reports everything that is wrong with the settings, as the path of
// the field and what is wrong with it. It runs nothing. Observe refuses to work
// with settings that have a problem.
func (g *Gauge) Problems(report func(path, msg string)) { g.Program.problems(report) }

func (g *Gauge) ask(ctx context.Context, w analysis.Window, arm string) (analysis.Sample, error) {
	out, err := g.Program.run(ctx, w, arm)
	var value float64
	if err == nil {
		value, err = parseNumber(out)
	}
	if err != nil {
		return analysis.Sample{}, fmt.Errorf("command: the %s: %w", arm, trim(err))
	}
	return analysis.Gauge(value), nil
}
