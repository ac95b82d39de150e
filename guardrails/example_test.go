package guardrails_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"github.com/tidegate-go/tidegate/guardrails"
)

func ExampleKillSwitch() {
	kill := &guardrails.KillSwitch{}
	ctx, deploy := context.Background(), guardrails.Action{Verb: guardrails.Deploy, Target: "host-1"}

	fmt.Println(kill.Check(ctx, deploy))
	if err := kill.Trip("alice", "orders are down 40%"); err != nil {
		fmt.Println(err)
	}
	fmt.Println(kill.Tripped())
	fmt.Println(kill.Reset("", "try again"))
	fmt.Println(kill.Reset("alice", "it was the payment provider"))
	fmt.Println(kill.Check(ctx, deploy))
	for _, r := range kill.Records() {
		fmt.Println(r.Tripped, r.Actor, "-", r.Reason)
	}
	// Output:
	// <nil>
	// true
	// guardrails: an actor and a reason are needed to reset the kill switch
	// <nil>
	// <nil>
	// true alice - orders are down 40%
	// false alice - it was the payment provider
}

// A switch that anybody with a shell can trip, by a file or a signal, and that
// takes the change back instead of freezing.
func ExampleKillSwitch_sources() {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	stop := filepath.Join(dir, "checkout.stop")

	kill := &guardrails.KillSwitch{
		Mode:    guardrails.Rollback,
		Sources: []guardrails.SwitchSource{guardrails.File(stop), guardrails.Signals(syscall.SIGHUP)},
	}
	// echo "bad orders, bob" > checkout.stop
	if err := os.WriteFile(stop, []byte("bad orders, bob\n"), 0o600); err != nil {
		fmt.Println(err)
		return
	}
	guards := []guardrails.Guard{kill}
	ctx := context.Background()
	breach := guardrails.Check(ctx, guards, guardrails.Action{Verb: guardrails.Deploy})
	fmt.Println(breach.Consequence, kill.Records()[0].Reason)
	fmt.Println("undo:", guardrails.Check(ctx, guards, guardrails.Action{Verb: guardrails.Undo}) == nil)
	// Output:
	// rollback bad orders, bob
	// undo: true
}
