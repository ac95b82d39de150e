package rollout_test

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/tidegate-go/tidegate/rollout"
)

// v42 has been found to lose orders, days after it was rolled out. Some of the fleet runs
// it, some has been moved on by other hands: find what runs it, and move it off.
func ExampleRecall() {
	deployer, fleet := newFleet(10, "v41") // yours: the inventory, and what deploys to it
	deployer.versions["web-03"], deployer.versions["web-07"], deployer.versions["web-09"] = "v42", "v42", "v43"

	found, err := rollout.Recall{
		Service: "checkout", Version: "v42", To: "v41", Fleet: fleet, Deployer: deployer, Gate: aPlan(nil, 0).Gate,
	}.Find(context.Background())
	if err != nil {
		fmt.Println(err) // such as who did not answer: found has the rest
		return
	}
	fmt.Println(found)
	plan, err := found.Plan()
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, target := range plan.Targets {
		fmt.Println(target.Name, "goes from", plan.Release.From, "to", plan.Release.To)
	}
	// A rollout.Runner carries it out, like any other plan.

	// Output:
	// 2 of 10 targets run checkout v42, 7 run v41, 1 run v43
	// web-03 goes from v42 to v41
	// web-07 goes from v42 to v41
}

// The runbook is for whoever is called at night. This prints its first section.
func ExamplePlan_Explain() {
	_, fleet := newFleet(20, "v1")
	plan := aPlan(fleet, 0)
	plan.Floor = 90
	runbook, err := plan.Explain()
	if err != nil {
		fmt.Println(err)
		return
	}
	first, _, _ := strings.Cut(runbook, "\n\n")
	fmt.Fprintln(os.Stdout, first)
	// Output:
	// Rollout checkout-v2: checkout from v1 to v2
	//   It changes 20 targets in 6 waves, at most 2 at once. A step may take 10m.
	//   Capacity floor: 90% of 20 targets is 18 that must be able to serve at any time, so at most 2 may
	//   be in change, failed or in doubt: forward, back, and in an emergency.
	//   Meanwhile no other rollout may hold checkout.
}
