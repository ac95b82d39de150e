package main

import (
	"io"
	"os"

	"github.com/tidegate-go/tidegate/rollout"
	"github.com/tidegate-go/tidegate/rollout/planfile"
)

// readTargets reads the target file of that name; - is stdin.
func readTargets(name string, stdin io.Reader) ([]rollout.Target, error) {
	in := stdin
	if name == "-" {
		name = "stdin"
	} else {
		f, err := os.Open(name)
		if err != nil {
			return nil, refusedf("cannot read the targets: %v", err)
		}
		defer f.Close()
		in = f
	}
	targets, err := planfile.ParseTargets(in)
	if err != nil {
		return nil, refusedf("%s: %v", name, err)
	}
	if len(targets) == 0 {
		return nil, refusedf("%s has no target, and none never means all", name)
	}
	return targets, nil
}
