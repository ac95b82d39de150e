package guardrails

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// DefaultIncidentEvery is how old what a NoIncident knows may be.
const DefaultIncidentEvery = 10 * time.Second

// NoIncident starts nothing new while there is an incident, of whatever kind and
// whosever: a change in the middle of one costs those who work on it the time to find
// out that it was not the cause.
//
// What it would have bounded: at Azure Storage (18 July 2024) a configuration change
// cut machines off their storage, and it took 91 minutes until all deployments
// of the region were stopped, and 99 for all regions. One signal that all rollouts
// listen to takes seconds.
//
// It minds Start and Deploy (and a verb that it does not know). It leaves a Bake
// alone, and Undo and Recover always pass. It holds until the incident is over, and a
// human may override it, for the change that is to end the incident.
//
// The Sources say whether there is an incident, each of them for itself: a File, HTTP, an
// IncidentURL, an IncidentFunc or any other SwitchSource. They are read in the
// background by Watch, and by the Check that finds the answers older than Every; they
// may take four seconds. One that cannot be read holds everything, and so does a
// NoIncident that has none. Use it by pointer; it is safe for concurrent use, and the
// fields must not be changed once it is used.
type NoIncident struct {
	Sources []SwitchSource
	// Every is how old an answer may be. Zero means DefaultIncidentEvery.
	Every time.Duration

	once  sync.Once
	busy  []atomic.Bool // by source
	asked asked[string]
}

// GuardName returns "no-incident".
func (n *NoIncident) GuardName() string { return "no-incident" }

// Problems reports every setting that makes no sense, as the path of the field and
// what is wrong with it.
func (n *NoIncident) Problems(report func(path, msg string)) {
	if len(n.Sources) == 0 {
		report("Sources", "are none: nobody knows whether there is an incident")
	}
	for i, s := range n.Sources {
		if s == nil {
			report(fmt.Sprintf("Sources[%d]", i), "is nil, so it could never be read")
		}
	}
	if n.Every != 0 && n.Every < minEvery {
		report("Every", fmt.Sprintf("is %v: want %v or more", n.Every, minEvery))
	}
}

func (n *NoIncident) every() time.Duration {
	if n.Every > 0 {
		return max(n.Every, minEvery)
	}
	return DefaultIncidentEvery
}

// Check returns a *Breach that holds while there is an incident, and while that is not
// known.
func (n *NoIncident) Check(ctx context.Context, act Action) error {
	switch act.Verb {
	case Bake, Undo, Recover:
		return nil
	case Unknown, Start, Deploy: // and every verb to come
	}
	if len(n.Sources) == 0 {
		return &Breach{Guard: n.GuardName(), Reason: "there is nobody to ask whether there is an incident", Runbook: "Give it Sources."}
	}
	incident, err := n.asked.get(ctx, n.every(), askPatience, n.ask)
	switch {
	case incident != "":
		return &Breach{
			Guard: n.GuardName(), Reason: "there is an incident: " + incident,
			Runbook: "Wait until it is over. If this change is to end it, have somebody override this who works on the incident.",
		}
	case err != nil:
		return &Breach{
			Guard: n.GuardName(), Reason: "it is not known whether there is an incident: " + err.Error(), Err: err,
			Runbook: "Make the source readable.",
		}
	}
	return nil
}

// ask reads all sources at a time. It returns all incidents, and why a source could
// not be read.
func (n *NoIncident) ask(ctx context.Context) (string, error) {
	type reading struct {
		tripped bool
		reason  string
	}
	// What one source says must not get lost because another hangs.
	ctx, cancel := context.WithTimeout(ctx, askPatience*3/4)
	defer cancel()
	n.once.Do(func() { n.busy = make([]atomic.Bool, len(n.Sources)) })
	found, errs := make([]string, len(n.Sources)), make([]error, len(n.Sources))
	done := make(chan struct{})
	for i, s := range n.Sources {
		go func() {
			defer func() { done <- struct{}{} }()
			r, err := oneAtATime(ctx, &n.busy[i], func(ctx context.Context) (reading, error) {
				tripped, reason, err := s.Read(ctx)
				return reading{tripped, reason}, err
			})
			name := sourceName(i, s)
			if err != nil {
				errs[i] = fmt.Errorf("%s: %w", name, err)
			}
			if r.tripped {
				found[i] = name
				if reason := plainText(r.reason); reason != "" {
					found[i] = fmt.Sprintf("%s (%s)", reason, name)
				}
			}
		}()
	}
	for range n.Sources {
		<-done
	}
	var incidents []string
	for _, one := range found {
		if one != "" {
			incidents = append(incidents, one)
		}
	}
	return strings.Join(incidents, "; "), errors.Join(errs...)
}

// Watch reads the sources each Every until ctx is done, and calls changed when an
// incident has begun, changed or ended, or nobody knows.
func (n *NoIncident) Watch(ctx context.Context, changed func()) {
	if len(n.Sources) == 0 {
		return
	}
	n.asked.watch(ctx, n.every(), askPatience, n.ask, func(incident string, err error) string {
		if err != nil {
			incident += " unknown"
		}
		return incident
	}, changed)
}

// SelfTest proves that it holds a change in an incident, and one of which it is not
// known whether there is one, and lets one pass when there is none. The sources are
// its own.
func (n *NoIncident) SelfTest(ctx context.Context) error {
	var wrong []error
	n.Problems(func(path, msg string) { wrong = append(wrong, errors.New(path+" "+msg)) })
	if len(wrong) > 0 {
		return errors.Join(wrong...)
	}
	with := func(incident string, err error) *NoIncident {
		return &NoIncident{Sources: []SwitchSource{IncidentFunc("self-test", func(context.Context) (string, error) { return incident, err })}}
	}
	if err := with("", nil).Check(ctx, Action{Verb: Deploy}); err != nil {
		return fmt.Errorf("it held a change without an incident: %w", err)
	}
	return errors.Join(
		mustRefuse(ctx, with("self-test", nil), Action{Verb: Deploy}, "a change in an incident"),
		mustRefuse(ctx, with("", errors.New("self-test")), Action{Verb: Deploy}, "a change of which nobody knows"),
	)
}
