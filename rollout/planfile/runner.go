package planfile

import (
	"time"

	"github.com/tidegate-go/tidegate/rollout"
)

// Runner is what a file says that is no part of the plan: what a rollout.Runner is set up
// with.
type Runner struct {
	// Journal is the folder of the journals. Empty means that the file does not say.
	Journal string
	// KillFiles are the files of the kill-switch guards: who makes one of them stops the
	// rollout.
	KillFiles   []string
	OnInterrupt rollout.InterruptPolicy
	Grace       time.Duration
}

func runnerOf(s *Section) (r Runner) {
	r.Journal = s.Path("journal")
	if s.Word("on-interrupt", "stop", "roll-back") == "roll-back" {
		r.OnInterrupt = rollout.RollBackOnInterrupt
	}
	r.Grace = s.Duration("grace")
	return r
}
