package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"
)

// analyze is the verb's flags.
type analyze struct {
	Judge string `required:"" enum:"notworse,above,below,within,kayenta,mannwhitney" placeholder:"NAME" help:"What judges: notworse (errors, latency or values against the baseline, sequential), above, below, within (the canary against fixed limits), kayenta (as Netflix and Google's judge), mannwhitney (the rank test)."`

	Detect     *float64 `group:"notworse" placeholder:"2" help:"Odds ratio from which on a release must not pass."`
	Tolerate   *float64 `group:"notworse" placeholder:"1.1" help:"Odds ratio up to which a release must not fail, 1 or more."`
	Negligible *float64 `group:"notworse" placeholder:"0.001" help:"Error rate below which there is no need to compare. 0 for none."`
	Alpha      *float64 `group:"notworse" placeholder:"0.01" help:"How often a tolerable release may fail. For mannwhitney, the p-value that fails."`
	Beta       *float64 `group:"notworse" placeholder:"0.05" help:"How often a harmful release may pass."`
	Horizon    *int     `group:"notworse" placeholder:"180" help:"Planned number of observations."`

	LowerIsWorse *bool `group:"notworse" help:"Of values, less is worse, such as orders per minute."`

	Limit       *float64 `group:"limits" placeholder:"X" help:"For above and below: the limit, inclusive. For counts it is a ratio, 0 to 1."`
	Min         *float64 `group:"limits" placeholder:"X" help:"For within: the lower limit, inclusive."`
	Max         *float64 `group:"limits" placeholder:"X" help:"For within: the upper limit, inclusive."`
	Failures    *int     `group:"limits" placeholder:"0" help:"How many judgements outside the limits are tolerated."`
	Consecutive *bool    `group:"limits" help:"Let --failures be those in a row."`
	MinSamples  *uint64  `group:"limits" placeholder:"20" help:"How many requests (the total of counts) are judged at once."`

	PerSlice *bool `group:"slices" help:"Judge each of a line's slices by itself as well."`

	Config      *string  `group:"ranks" placeholder:"FILE" help:"For kayenta: how to classify, one JSON object with any of direction, nanStrategy, outlierStrategy, outlierFactor, critical, mustHaveData, effectSizeMeasure, allowedIncrease, allowedDecrease, criticalIncrease, criticalDecrease, tolerance, confLevel; or a whole canary config of Kayenta's, with metrics. Without it, Kayenta's defaults."`
	Pass        *float64 `group:"ranks" placeholder:"95" help:"For kayenta with a canary config: the score to pass."`
	Marginal    *float64 `group:"ranks" placeholder:"75" help:"For kayenta with a canary config: the score that is marginal, and inconclusive."`
	Alternative *string  `group:"ranks" placeholder:"two-sided" help:"For mannwhitney: which difference of the canary is bad: two-sided, greater or less."`

	Prometheus prometheus `embed:"" group:"prometheus"`

	File string `arg:"" optional:"" help:"JSON lines, one observation each. - is stdin."`
}

// Help is what --help says of the verb beside its flags.
func (analyze) Help() string {
	return `One JSON line per observation goes in, one JSON line with the verdict comes out:

  {"time":"2026-01-02T15:04:05Z","canary":{"events":3,"total":900},"baseline":{"events":9,"total":9100}}

An arm is {"events":n,"total":n} (notworse, above, below, within), {"value":x} (the same), {"buckets":{"0.1":n,"0.5":n,"+Inf":n}} (notworse; cumulative, +Inf may be missing), or {"values":[…]} (kayenta, mannwhitney; null is NaN, for kayenta only). "time" is RFC 3339, and may be missing. "trial":"name" makes lines a trial of their own, any number in one file. "error":"…" says why nothing was seen. "slices":[{"name":"…","canary":{…},"baseline":{…}},…] are zones or tenants, which --per-slice looks at. "before":true marks a line from before the rollout, when both arms ran the same version: with 60 or more of them, first in the trial, notworse knows how comparable the arms are, and can compare values.

For kayenta, the fields of a line's own "config":{…} win over those of --config. If that is a canary config, with "metrics", each line is a judgement of all of them: {"metrics":{"name":{"canary":{"values":[…]},"baseline":{"values":[…]}},…}}.

notworse, above, below and within judge all lines of a trial so far: its last verdict counts, and a fail stays. kayenta and mannwhitney judge each line by itself: the worst counts.

With --from-prometheus there is no FILE. For notworse, above, below and within there is an observation for each --step, if all queries have data then; for kayenta and mannwhitney all steps are the values of one.

Exit codes, the worst over all trials: 0 pass, 4 fail, 5 inconclusive, undecided to the end or not to be compared; 2 bad flags or input, also without any observation, or a server that gives none; 1 internal error.

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
	out := json.NewEncoder(stdout)
	out.SetEscapeHTML(false)
	if a.Prometheus.URL != nil {
		return a.fetched(j, out)
	}
	return a.read(j, stdin, out)
}

// read judges the file.
func (a analyze) read(j judge, stdin io.Reader, out *json.Encoder) (code int, err error) {
	in, name := stdin, "stdin"
	if a.File != "-" {
		f, err := os.Open(a.File)
		if err != nil {
			return 0, badf("cannot read the input: %v", err)
		}
		defer f.Close()
		in, name = f, a.File
	}
	trials := trials{}
	for line, err := range lines(in, maxLine) {
		if err == nil {
			var r record
			if r, err = parse(line.text); err == nil {
				err = trials.judge(j, r, out)
			}
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

// fetched judges what a Prometheus has.
func (a analyze) fetched(j judge, out *json.Encoder) (code int, err error) {
	records, err := a.Prometheus.records(j, time.Now().UTC().Truncate(time.Second))
	if err != nil {
		return 0, err
	}
	trials := trials{}
	for _, r := range records {
		if err := trials.judge(j, r, out); err != nil {
			return 0, err
		}
	}
	return trials.exitCode(), nil
}
