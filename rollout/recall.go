package rollout

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tidegate-go/tidegate/analysis"
)

// Defaults of a Recall.
const (
	// DefaultRecallParallel is how many targets are asked at once.
	DefaultRecallParallel = 100
	// DefaultRecallTimeout is how long one target may take to answer.
	DefaultRecallTimeout = 10 * time.Second
)

var (
	// ErrNothingToRecall: no target runs the version.
	ErrNothingToRecall = errors.New("rollout: nothing to recall")
	// ErrSearchIncomplete: some targets did not say what they run, so that there may be
	// more on the version than were found.
	ErrSearchIncomplete = errors.New("rollout: the search is incomplete")
)

// Recall moves everything that runs one version off it, whoever put it there and when:
//
//	found, err := rollout.Recall{
//		Service: "checkout", Version: "v42", To: "v41", Fleet: fleet, Deployer: deployer, Gate: gate,
//	}.Find(ctx)
//	…
//	plan, err := found.Plan()
//	…
//	runner := rollout.Runner{Plan: plan, Deployer: deployer, Journal: journal}
//	result, err := runner.Run(ctx)
//
// It is for a version that has proved bad after its rollout has ended, or that came by
// other ways than one rollout. What is found is moved by a rollout like any other, one
// target first, behind gates and under guards. A Recall itself changes nothing.
type Recall struct {
	// Service is what is recalled, Version is what is to go, To what takes its place:
	// both immutable ids. Required.
	Service, Version, To string
	// Fleet is everything that may run the version. Required.
	Fleet []Target
	// Deployer has to be a Versioner. It is asked from many goroutines at once.
	Deployer Deployer
	// Parallel is how many targets are asked at once. Zero means
	// DefaultRecallParallel.
	Parallel int
	// Timeout is how long one target may take to answer; one that takes longer is left
	// behind and did not answer. Zero means DefaultRecallTimeout.
	Timeout time.Duration
	// AllowSilent is why the version may be recalled although some targets do not say
	// what they run. Empty means that the search is incomplete then.
	AllowSilent string
	// Gate is the plan's gate; it can be set on the plan as well.
	Gate analysis.Gate
	// Floor is the percentage of Fleet that must be able to serve at any time; the
	// plan's floor is made from it. Zero means no floor.
	Floor float64
}

// Find asks every target of the fleet what it runs, and changes nothing. It waits for
// them all, but for none longer than Timeout. When ctx ends, those that have not
// answered by then did not answer.
//
// The error is ErrInvalidPlan when the Recall makes no sense; nobody was asked then,
// and there is no Found. With all other errors there is one, with all that was found:
// ErrSearchIncomplete, which names who did not answer and wraps the cause of an ended
// ctx, or else ErrNothingToRecall.
func (r Recall) Find(ctx context.Context) (*Found, error) {
	versioner, err := r.check()
	if err != nil {
		return nil, err
	}
	found := &Found{
		Service: r.Service, Version: r.Version, To: r.To, At: time.Now().UTC().Truncate(time.Second),
		Fleet: len(r.Fleet), Others: make(map[string]int), AllowSilent: r.AllowSilent, Floor: r.Floor, Gate: r.Gate,
	}
	answers := r.ask(ctx, versioner)
	for i, a := range answers {
		switch {
		case a.err != nil:
			found.Silent = append(found.Silent, Silent{Target: r.Fleet[i], Why: brief(a.err)})
		case a.runs == r.Version:
			found.Targets = append(found.Targets, r.Fleet[i])
		default:
			found.Others[a.runs]++
		}
	}
	err = found.incomplete()
	if cause := context.Cause(ctx); err != nil && cause != nil {
		err = fmt.Errorf("%w: %w", err, cause)
	}
	if err == nil {
		err = found.nothing()
	}
	return found, err
}

// check finds everything that is wrong before anybody is asked.
func (r Recall) check() (Versioner, error) {
	var ps problems
	Release{Service: r.Service, From: r.Version, To: r.To}.problems(func(path, msg string) {
		if path == "From" {
			path = "Version"
		}
		ps.add("Recall."+path, "%s", msg)
	})
	versioner, ok := r.Deployer.(Versioner)
	if !ok {
		ps.add("Recall.Deployer", "is a %T, which cannot ask a target what it runs: it has to be a Versioner", r.Deployer)
	}
	if len(r.Fleet) == 0 {
		ps.add("Recall.Fleet", "is empty: no target is an error, never \"all\"")
	}
	seen := make(map[string]bool, len(r.Fleet))
	for i, t := range r.Fleet {
		if t.Name == "" || seen[t.Name] {
			ps.add(fmt.Sprintf("Recall.Fleet[%d].Name", i), "%q is empty, or the name of another target", t.Name)
		}
		seen[t.Name] = true
	}
	if r.Parallel < 0 || r.Timeout < 0 {
		ps.add("Recall", "has a negative limit (Parallel %d, Timeout %v)", r.Parallel, r.Timeout)
	}
	if !(r.Floor >= 0 && r.Floor <= 100) {
		ps.add("Recall.Floor", "is %v: want a percentage from 0 to 100", r.Floor)
	}
	if len(ps) > 0 {
		return nil, &PlanError{ps}
	}
	return versioner, nil
}

// answer is what a target said, or why it said nothing.
type answer struct {
	runs string
	err  error
}

// ask asks every target, and returns the answers in the order of the fleet.
func (r Recall) ask(ctx context.Context, versioner Versioner) []answer {
	answers := make([]answer, len(r.Fleet))
	var next atomic.Int64
	var workers sync.WaitGroup
	for range min(orDefault(r.Parallel, DefaultRecallParallel), len(r.Fleet)) {
		workers.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(r.Fleet)); i = next.Add(1) - 1 {
				answers[i] = r.askOne(ctx, versioner, r.Fleet[i])
			}
		})
	}
	workers.Wait()
	return answers
}

// askOne asks one target. What does not return when its time is up is left behind.
func (r Recall) askOne(ctx context.Context, versioner Versioner, target Target) answer {
	limit := orDefault(r.Timeout, DefaultRecallTimeout)
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("no answer within %v", limit))
	defer cancel()
	if ctx.Err() != nil {
		return answer{err: fmt.Errorf("it was not asked: %w", context.Cause(ctx))}
	}
	runs, err := versionOf(ctx, versioner, target)
	switch {
	case err != nil && ctx.Err() != nil && errors.Is(err, ctx.Err()):
		err = context.Cause(ctx) // the same, whoever was faster
	case err == nil && runs == "":
		// An empty answer is what a script gives that has failed half way. To take it for
		// another version would hide the target.
		err = errors.New("it gave an empty version")
	}
	return answer{runs, err}
}
