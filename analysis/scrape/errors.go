package scrape

import (
	"fmt"
	"strings"
)

const (
	// maxReasons is how many targets an ArmError gives its reasons for.
	maxReasons = 3
	// maxReasonText is how much of each it shows, in bytes.
	maxReasonText = 300
)

// ArmError says that too few targets of an arm could be read to tell how it is
// doing.
type ArmError struct {
	// Arm is "canary" or "baseline".
	Arm string
	// Failed of the arm's Members could not be read; Need must be.
	Members, Failed, Need int
	// Reasons are those of the first failed members, at most three.
	Reasons []*TargetError
}

// Error implements error.
func (e *ArmError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "scrape: %d of %d %s targets could not be read, at least %d must be", e.Failed, e.Members, e.Arm, e.Need)
	sep := ": "
	for _, reason := range e.Reasons {
		text := reason.Error()
		if len(text) > maxReasonText {
			text = strings.ToValidUTF8(text[:maxReasonText], "") + "…"
		}
		b.WriteString(sep + text)
		sep = "; "
	}
	if more := e.Failed - len(e.Reasons); more > 0 {
		fmt.Fprintf(&b, "; and %d more", more)
	}
	return b.String()
}

// Unwrap gives the reasons to errors.Is and errors.As.
func (e *ArmError) Unwrap() []error {
	reasons := make([]error, len(e.Reasons))
	for i, r := range e.Reasons {
		reasons[i] = r
	}
	return reasons
}

// TargetError says why one target could not be read.
type TargetError struct {
	Target string
	Err    error
}

// Error implements error.
func (e *TargetError) Error() string { return e.Target + ": " + e.Err.Error() }

// Unwrap returns Err.
func (e *TargetError) Unwrap() error { return e.Err }
