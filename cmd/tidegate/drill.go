package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os/signal"
	"slices"
	"strings"
	"time"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/rollback"
	"github.com/tidegate-go/tidegate/rollout"
	"github.com/tidegate-go/tidegate/rollout/filejournal"
	"github.com/tidegate-go/tidegate/rollout/simulate"
)

// drill is the verb's flags.
type drill struct {
	Targets  string        `placeholder:"FILE" xor:"plan" required:"" help:"One target a line: its name, and key=value labels. - is stdin."`
	Journal  string        `placeholder:"NAME" xor:"plan" required:"" help:"Drill the plan of this rollout, which the state directory has a journal of."`
	Waves    string        `default:"1,10%,50%,100%" help:"How much has the change after each wave: a number of targets, or a percentage of them."`
	Parallel int           `short:"P" default:"10" help:"The most steps at once."`
	Floor    float64       `placeholder:"PERCENT" help:"How much of the fleet has to serve at any time."`
	Failures int           `placeholder:"N" help:"How many failed steps are put up with."`
	Batch    float64       `placeholder:"PERCENT" help:"How much of the fleet is undone at once (default: 33)."`
	Rehearse bool          `help:"Prove the way back on the first target."`
	Deadline time.Duration `placeholder:"D" help:"How long the way back may take (default: 1h)."`

	Rollouts int    `default:"10000" help:"How many rollouts to simulate."`
	Seed     uint64 `default:"1" help:"The same seed gives the same drill."`

	stateFlag  `embed:""`
	outputFlag `embed:""`
}

// Help is what --help says of the verb beside its flags.
func (drill) Help() string {
	return `It carries a plan out in thousands of simulated rollouts, in virtual time, with faults in every seam: steps that fail, hang, lie or come late; metrics that are missing, stale or wrong; a journal that fails or tears; crashes before and after every write; runners that stand still or lose their lease; clocks that jump; other hands, and humans. After every event it checks that what tidegate promises holds: that no wave begins before the gate before it has passed, that nothing begins after a stop, that what is called rolled back is, that the capacity floor holds.

  tidegate drill --targets hosts --waves 1,10%,100% --floor 70
  tidegate drill --journal checkout-v42 --rollouts 100000

A promise that is broken is a bug of tidegate: the smallest rollout that breaks it is printed as a story, and as a Go test. Please report it.

Exit codes: 0 every promise was kept; 4 one was broken; 2 bad usage; 3 the plan is refused; 1 internal error.`
}

// run drills. It returns what to exit with.
func (d drill) run(stdin io.Reader, stdout io.Writer) (code int, err error) {
	if d.Rollouts < 1 {
		return 0, badf("--rollouts is %d: want 1 or more", d.Rollouts)
	}
	spec, err := d.spec(stdin)
	if err != nil {
		return 0, err
	}
	ctx, stop := signal.NotifyContext(context.Background(), rollout.InterruptSignals()...)
	defer stop()
	began := time.Now()
	report, err := simulate.RunDrill(ctx, spec, d.Rollouts, d.Seed)
	if err != nil && (!errors.Is(err, context.Canceled) || report.Rollouts == 0) {
		return 0, err
	}
	if d.Output == "json" {
		err = d.json(stdout, report)
	} else {
		err = d.text(stdout, spec, report, time.Since(began))
	}
	if report.Err != nil {
		return exitFail, err
	}
	return exitDone, err
}

// spec is the plan, as the core sees it.
func (d drill) spec(stdin io.Reader) (*rollout.Spec, error) {
	if d.Journal != "" {
		dir, err := d.dir()
		if err != nil {
			return nil, err
		}
		return specOf(dir.journal(), d.Journal)
	}
	w, err := parseWaves(d.Waves)
	if err != nil {
		return nil, err
	}
	w.ungated = ""
	targets, err := readTargets(d.Targets, stdin)
	if err != nil {
		return nil, err
	}
	plan := rollout.Plan{
		Name: "drill", Release: rollout.Release{Service: "drill", From: "before", To: "after"},
		Targets: targets, Waves: w, Gate: diceGate(), Concurrency: d.Parallel, Floor: d.Floor,
		Failures:     rollout.FailureBudget{PerWave: d.Failures, Total: d.Failures},
		Rollback:     rollback.Policy{Batch: d.Batch, Rehearse: d.Rehearse, Deadline: d.Deadline},
		AllowBigBang: "it is a drill",
	}
	spec, err := plan.Spec()
	if err == nil {
		spec.Guarded, spec.Undo.Survey, spec.Undo.Page = true, true, true // more seams to fail at
	}
	return spec, err
}

// diceGate makes the waves gated; what the gates decide is left to the dice.
func diceGate() analysis.Gate {
	return analysis.Gate{Checks: []analysis.Check{{Name: "dice", Source: simulate.Unasked{}, Judge: analysis.Below(1)}}}
}

// specOf is the plan of a rollout that was begun.
func specOf(dir filejournal.Dir, name string) (*rollout.Spec, error) {
	for ev, err := range dir.Read(name) {
		switch {
		case err != nil:
			return nil, refusedf("%v", err)
		case ev.Spec == nil:
			return nil, refusedf("the journal of %s does not begin with a plan", name)
		}
		return ev.Spec, nil
	}
	return nil, refusedf("the journal of %s is empty", name)
}

// text reports for people.
func (d drill) text(stdout io.Writer, spec *rollout.Spec, r simulate.Drill, took time.Duration) error {
	targets := 0
	for _, w := range spec.Waves {
		targets += len(w.Steps)
	}
	fmt.Fprintf(stdout, "%d rollouts of %d targets in %d waves, %d events, in %v\n", r.Rollouts, targets, len(spec.Waves), r.Events, took.Round(10*time.Millisecond))
	fmt.Fprintf(stdout, "they ended:  %s\n", tallied(r.Ends))
	fmt.Fprintf(stdout, "takeovers:   %d, by runners that went on where another had died or lost its lease\n", r.Runners-r.Rollouts)
	fmt.Fprintf(stdout, "faults:      %s\n", tallied(r.Faults))
	if r.Err == nil {
		_, err := fmt.Fprintln(stdout, "every promise was kept, after every event")
		return err
	}
	fmt.Fprintf(stdout, "\na promise was broken, which is a bug of tidegate; please report it: %v\n\n", r.Err)
	trace, _ := r.Broken.Run()
	_, err := fmt.Fprintf(stdout, "%s\n%s", simulate.Story(trace), simulate.GoTest(*r.Broken))
	return err
}

// tallied lists how often what happened, the most frequent first.
func tallied(all map[string]int) string {
	words := slices.SortedFunc(maps.Keys(all), func(a, b string) int {
		if all[a] != all[b] {
			return all[b] - all[a]
		}
		return strings.Compare(a, b)
	})
	for i, w := range words {
		words[i] = fmt.Sprintf("%s %d", w, all[w])
	}
	return strings.Join(words, ", ")
}

// json reports for programs.
func (d drill) json(stdout io.Writer, r simulate.Drill) error {
	report := struct {
		Rollouts  int                `json:"rollouts"`
		Events    int                `json:"events"`
		Takeovers int                `json:"takeovers"`
		Exposed   int                `json:"exposed"`
		Ends      map[string]int     `json:"ends"`
		Faults    map[string]int     `json:"faults"`
		Error     string             `json:"error,omitempty"`
		Broken    *simulate.Scenario `json:"broken,omitempty"`
	}{r.Rollouts, r.Events, r.Runners - r.Rollouts, r.Exposed, r.Ends, r.Faults, "", r.Broken}
	if r.Err != nil {
		report.Error = r.Err.Error()
	}
	return json.NewEncoder(stdout).Encode(report)
}
