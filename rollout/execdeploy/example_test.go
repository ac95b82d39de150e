package execdeploy_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/tidegate-go/tidegate/rollout"
	"github.com/tidegate-go/tidegate/rollout/execdeploy"
)

// A script that works on one host makes a rollout over all of them. On host 3, it
// fails; the hosts that have the new version by then get the old one back.
func Example() {
	dir, err := os.MkdirTemp("", "execdeploy")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	for _, host := range []string{"host-1", "host-2", "host-3", "host-4"} {
		_ = os.WriteFile(filepath.Join(dir, host), []byte("v1"), 0o600)
	}
	deployer, err := execdeploy.Commands{
		Dir:     dir,
		Deploy:  []string{"/bin/sh", "-c", `[ $1-$2 != host-3-v2 ] && echo $2 >$1`, "deploy", "{target}", "{version}"},
		Version: []string{"cat", "{target}"},
	}.Deployer()
	if err != nil {
		fmt.Println(err)
		return
	}
	runner := rollout.Runner{
		Plan: rollout.Plan{
			Name:    "app-v2",
			Release: rollout.Release{Service: "app", From: "v1", To: "v2"},
			Targets: []rollout.Target{{Name: "host-1"}, {Name: "host-2"}, {Name: "host-3"}, {Name: "host-4"}},
			Waves: rollout.WavesFunc(func(fleet []rollout.Target) ([]rollout.Wave, error) {
				return []rollout.Wave{
					{Targets: fleet[:1], Ungated: "the script tells"},
					{Targets: fleet[1:], Ungated: "the script tells"},
				}, nil
			}),
			Concurrency: 1,
		},
		Deployer: deployer,
		Journal:  &rollout.MemoryJournal{},
		Logger:   slog.New(slog.DiscardHandler),
	}
	result, err := runner.Run(context.Background())
	fmt.Println(result.Phase, result.Undone, "of", result.Targets, err != nil)
	// Output: rolled-back 3 of 4 true
}
