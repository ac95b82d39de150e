package rollback_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/tidegate-go/tidegate/rollback"
)

// A script that says before each change how it is undone.
func ExampleStack() {
	drained := map[string]bool{}
	maintain := func(ctx context.Context) (err error) {
		var undo rollback.Stack
		defer func() {
			if err != nil {
				err = errors.Join(err, undo.Unwind(ctx))
			}
		}()
		for _, host := range []string{"host-1", "host-2", "host-3"} {
			undo.Push("drain "+host, func(context.Context) error {
				fmt.Println("back in service:", host)
				drained[host] = false
				return nil
			})
			drained[host] = true
			if host == "host-2" {
				return errors.New("host-2 does not answer")
			}
		}
		return nil
	}
	fmt.Println(maintain(context.Background()))
	// Output:
	// back in service: host-2
	// back in service: host-1
	// host-2 does not answer
}

// A stack that outlives its process: a script crashes, and another process undoes what
// it has left.
func ExampleOpen() {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "maintain.undo")

	script, err := rollback.Create(path)
	if err != nil {
		fmt.Println(err)
		return
	}
	// On disk before the change begins.
	if err := script.PushCommand(rollback.Command{Name: "drain host-1", Args: []string{"true"}}); err != nil {
		fmt.Println(err)
		return
	}
	_ = script.Close() // as a crash would

	left, err := rollback.Open(path)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer left.Close()
	fmt.Println(left.Pending())
	fmt.Println(left.Unwind(context.Background()))
	fmt.Println(left.Pending())
	// Output:
	// [drain host-1]
	// <nil>
	// []
}
