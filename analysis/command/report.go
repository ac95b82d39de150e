package command

import (
	"context"
	"fmt"

	"github.com/tidegate-go/tidegate/analysis"
)

// Report is an analysis.Source that takes what a program prints about both arms:
// counts or values, as JSON. It is the one for judges that weigh evidence, such as
// analysis.NotWorse. It is safe for concurrent use, if its fields are not changed
// and the program may run twice at a time.
type Report struct {
	// Program prints the report. Required.
	Program Program
}

var (
	_ analysis.Source    = (*Report)(nil)
	_ analysis.Problemer = (*Report)(nil)
)

// Observe runs the program once, with the window's End as the observation's time.
// A report without the baseline is one in which the baseline is no data.
//
// When ctx is done it stops the program and returns, with its error and cause.
// errors.Is finds analysis.ErrNoData when there was no report, none of the canary,
// or the canary has no members, and errors.As an *exec.ExitError when the program
// failed.
func (r *Report) Observe(ctx context.Context, w analysis.Window) (analysis.Observation, error) {
	if err := check("Report", r, w); err != nil {
		return analysis.Observation{}, err
	}
	out, err := r.Program.run(ctx, w, "")
	var o analysis.Observation
	if err == nil {
		o, err = parseReport(out)
	}
	if err != nil {
		return analysis.Observation{}, fmt.Errorf("command: %w", trim(err))
	}
	o.At = w.End
	if len(w.Baseline.Members) == 0 {
		o.Baseline = analysis.Sample{}
	}
	return o, nil
}

// Problems reports everything that is wrong with the settings, as the path of
// the field and what is wrong with it. It runs nothing. Observe refuses to work
// with settings that have a problem.
func (r *Report) Problems(report func(path, msg string)) { r.Program.problems(report) }
