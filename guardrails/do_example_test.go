//go:build unix

package guardrails_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/tidegate-go/tidegate/guardrails"
	"github.com/tidegate-go/tidegate/rollback"
)

// A function that moves tenants one by one, under a kill switch, and that takes back
// what it has done unless everything is to freeze.
func ExampleDo() {
	kill := &guardrails.KillSwitch{Mode: guardrails.Rollback}
	var undo rollback.Stack

	ctx := context.Background()
	err := guardrails.Do(ctx, []guardrails.Guard{kill}, func(ctx context.Context) error {
		for i := 1; ctx.Err() == nil; i++ {
			tenant := fmt.Sprint("tenant-", i)
			undo.Push("move "+tenant, func(context.Context) error {
				fmt.Println("moved back", tenant)
				return nil
			})
			fmt.Println("moved", tenant)
			if i == 2 { // meanwhile, somewhere else
				_ = kill.Trip("alice", "tenants report errors")
				<-ctx.Done()
			}
		}
		return context.Cause(ctx)
	})

	var breach *guardrails.Breach
	switch {
	case errors.Is(err, guardrails.ErrRefused):
		fmt.Println("nothing was run:", err)
	case errors.As(err, &breach) && breach.Consequence == guardrails.Halt:
		fmt.Println("call a human:", err)
	case err != nil:
		fmt.Println(breach.Reason)
		err = undo.Unwind(ctx)
		fmt.Println("taken back:", err == nil)
	}
	// Output:
	// moved tenant-1
	// moved tenant-2
	// the kill switch is tripped by alice: tenants report errors
	// moved back tenant-2
	// moved back tenant-1
	// taken back: true
}

// A script that anybody can stop by a file.
func ExampleRun() {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	stop := filepath.Join(dir, "stop")

	guards := []guardrails.Guard{&guardrails.KillSwitch{
		Sources: []guardrails.SwitchSource{guardrails.File(stop)},
		Every:   250 * time.Millisecond,
	}}
	// The script itself does what somebody else would, and then goes on for long.
	migrate := exec.Command("sh", "-c", `echo "bad orders, bob" >"$0.new"; mv "$0.new" "$0"; sleep 600 & wait`, stop)
	err = guardrails.Run(context.Background(), guards, migrate)

	var breach *guardrails.Breach
	fmt.Println(errors.Is(err, guardrails.ErrStopped), errors.As(err, &breach))
	fmt.Println(breach.Consequence)
	fmt.Println(migrate.ProcessState)
	// Output:
	// true true
	// halt
	// signal: terminated
}
