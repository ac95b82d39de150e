package main

import (
	"errors"
	"fmt"
	"slices"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/guardrails"
	"github.com/tidegate-go/tidegate/rollout"
)

// What verbs that change something exit with; analyze has its own.
const (
	exitDone       = 0
	exitRefused    = 3
	exitRolledBack = 4
	exitHalted     = 5
	exitIncomplete = 6
	exitPartial    = 7
)

// refused is an error for which nothing was begun.
type refused struct{ msg string }

func (e refused) Error() string { return e.msg }

func refusedf(format string, args ...any) error { return refused{fmt.Sprintf(format, args...)} }

// outcomes are the errors of a rollout, by what they make the program exit with.
var outcomes = []struct {
	code int
	errs []error
}{
	{exitRolledBack, []error{rollout.ErrRolledBack}},
	{exitIncomplete, []error{rollout.ErrRollbackIncomplete}},
	{exitHalted, []error{rollout.ErrHalted, rollout.ErrInterrupted}},
	{exitPartial, []error{rollout.ErrPartial, rollout.ErrAborted, rollout.ErrContained}},
	{exitRefused, []error{
		rollout.ErrInvalidPlan, rollout.ErrPlanChanged, rollout.ErrHeld, guardrails.ErrBreach,
		analysis.ErrPreflight, analysis.ErrBurning, guardrails.ErrSelfTest, rollout.ErrNewer, rollout.ErrTooLate,
	}},
}

// exitCodeOf is what an error makes the program exit with.
func exitCodeOf(err error) int {
	if err == nil {
		return exitDone
	}
	if bad := (badInput{}); errors.As(err, &bad) {
		return exitBadInput
	}
	if no := (refused{}); errors.As(err, &no) {
		return exitRefused
	}
	for _, o := range outcomes {
		if slices.ContainsFunc(o.errs, func(target error) bool { return errors.Is(err, target) }) {
			return o.code
		}
	}
	return exitInternal
}
