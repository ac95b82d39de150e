package planfile

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/tidegate-go/tidegate/rollout"
)

// Fault is one thing that is wrong with a plan file.
type Fault struct {
	// File is the name that Decode was given.
	File string
	// Line and Column count from 1. Column is 0 where only the line is known.
	Line, Column int
	// Path is the field, such as "gate.checks[1].judge.not-worse.detect". It is empty
	// for the file as a whole.
	Path string
	// Msg says what is wrong, and what was probably meant.
	Msg string
}

// Error returns file:line:column: path: what.
func (f *Fault) Error() string {
	s := fmt.Sprintf("%s:%d", f.File, f.Line)
	if f.Column > 0 {
		s += fmt.Sprintf(":%d", f.Column)
	}
	if f.Path != "" {
		s += ": " + f.Path
	}
	return s + ": " + f.Msg
}

// Error is every fault of a plan file, in the order of the file. It is a
// rollout.ErrInvalidPlan.
type Error struct{ Faults []*Fault }

// maxShown is how many faults an Error shows: a file that is something else
// altogether has no end of them.
const maxShown = 100

// Error returns the faults, one a line.
func (e *Error) Error() string {
	var b strings.Builder
	for i, f := range e.Faults {
		if i == maxShown {
			fmt.Fprintf(&b, "\nand %d more", len(e.Faults)-maxShown)
			break
		}
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(f.Error())
	}
	return b.String()
}

// Is reports whether target is rollout.ErrInvalidPlan.
func (e *Error) Is(target error) bool { return target == rollout.ErrInvalidPlan }

// sort puts the faults in the order of the file.
func (e *Error) sort() {
	slices.SortStableFunc(e.Faults, func(a, b *Fault) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
}
