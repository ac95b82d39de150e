package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
)

// analyze is the verb's flags.
type analyze struct {
	Judge string `required:"" enum:"notworse,above,below,within,kayenta,mannwhitney" placeholder:"NAME" help:"What judges: notworse (errors against the baseline, sequential), above, below, within (the canary against fixed limits), kayenta (as Netflix and Google's judge), mannwhitney (the rank test)."`

	Detect     *float64 `group:"notworse" placeholder:"2" help:"Odds ratio from which on a release must not pass."`
	Tolerate   *float64 `group:"notworse" placeholder:"1.1" help:"Odds ratio up to which a release must not fail, 1 or more."`
	Negligible *float64 `group:"notworse" placeholder:"0.001" help:"Error rate below which there is no need to compare. 0 for none."`
	Alpha      *float64 `group:"notworse" placeholder:"0.01" help:"How often a tolerable release may fail. For mannwhitney, the p-value that fails."`
	Beta       *float64 `group:"notworse" placeholder:"0.05" help:"How often a harmful release may pass."`
	Horizon    *int     `group:"notworse" placeholder:"180" help:"Planned number of observations."`

	Limit       *float64 `group:"limits" placeholder:"X" help:"For above and below: the limit, inclusive. For counts it is a ratio, 0 to 1."`
	Min         *float64 `group:"limits" placeholder:"X" help:"For within: the lower limit, inclusive."`
	Max         *float64 `group:"limits" placeholder:"X" help:"For within: the upper limit, inclusive."`
	Failures    *int     `group:"limits" placeholder:"0" help:"How many judgements outside the limits are tolerated."`
	Consecutive *bool    `group:"limits" help:"Let --failures be those in a row."`
	MinSamples  *uint64  `group:"limits" placeholder:"20" help:"How many requests (the total of counts) are judged at once."`

	Config      *string `group:"ranks" placeholder:"FILE" help:"For kayenta: how to classify, one JSON object with any of direction, nanStrategy, outlierStrategy, outlierFactor, critical, mustHaveData, effectSizeMeasure, allowedIncrease, allowedDecrease, criticalIncrease, criticalDecrease, tolerance, confLevel. Without it, Kayenta's defaults."`
	Alternative *string `group:"ranks" placeholder:"two-sided" help:"For mannwhitney: which difference of the canary is bad: two-sided, greater or less."`

	File string `arg:"" help:"JSON lines, one observation each. - is stdin."`
}

// Help is what --help says of the verb beside its flags.
func (analyze) Help() string {
	return `One JSON line per observation goes in, one JSON line with the verdict comes out:

  {"time":"2026-01-02T15:04:05Z","canary":{"events":3,"total":900},"baseline":{"events":9,"total":9100}}

An arm is {"events":n,"total":n} or {"value":x} (above, below, within), {"events":n,"total":n} (notworse), or {"values":[…]} (kayenta, mannwhitney; null is NaN, for kayenta only). "time" is RFC 3339, and may be missing. "trial":"name" makes lines a trial of their own, any number in one file. "error":"…" says why nothing was seen. For kayenta, the fields of a line's own "config":{…} win over those of --config.

notworse, above, below and within judge all lines of a trial so far: its last verdict counts, and a fail stays. kayenta and mannwhitney judge each line by itself: the worst counts.

Exit codes, the worst over all trials: 0 pass, 4 fail, 5 inconclusive, undecided to the end or not to be compared; 2 bad flags or input, also without any observation, 1 internal error.

Example: printf '{"canary":{"value":0.2},"baseline":{}}' | tidegate analyze --judge below --limit 0.5 -`
}

// run judges the input. It returns what to exit with.
func (a analyze) run(stdin io.Reader, stdout io.Writer) (code int, err error) {
	if err := a.checkFlags(); err != nil {
		return 0, err
	}
	j, err := a.judge()
	if err != nil {
		return 0, err
	}
	in, name := stdin, "stdin"
	if a.File != "-" {
		f, err := os.Open(a.File)
		if err != nil {
			return 0, badf("cannot read the input: %v", err)
		}
		defer f.Close()
		in, name = f, a.File
	}
	out := json.NewEncoder(stdout)
	out.SetEscapeHTML(false)
	trials := trials{}
	for line, err := range lines(in, maxLine) {
		if err == nil {
			err = trials.judge(j, line, out)
		}
		if err != nil {
			return 0, fmt.Errorf("%s:%d: %w", name, line.number, err)
		}
	}
	if len(trials) == 0 {
		return 0, badf("%s has no observation: nothing was judged, and nothing passes on that", name)
	}
	return trials.exitCode(), nil
}
