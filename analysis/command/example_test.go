package command_test

import (
	"context"
	"fmt"
	"time"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/analysis/command"
)

func exampleWindow() analysis.Window {
	noon := time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)
	return analysis.Window{
		Start: noon, End: noon.Add(10 * time.Second), Wave: 1,
		Canary:   analysis.Arm{Version: "v2", Members: []analysis.Member{{Name: "web-1"}}},
		Baseline: analysis.Arm{Version: "v1", Members: []analysis.Member{{Name: "web-2"}}},
	}
}

func ExampleGauge() {
	queue := &command.Gauge{Program: command.Program{
		Args: []string{"sh", "-c", `if [ $TIDEGATE_ARM = canary ]; then echo 12.5; else echo 11; fi`},
	}}
	o, err := queue.Observe(context.Background(), exampleWindow())
	fmt.Println(o.Canary.Value, o.Baseline.Value, err)
	// Output: 12.5 11 <nil>
}

func ExampleReport() {
	orders := &command.Report{Program: command.Program{
		Args: []string{"echo", `{"canary": {"events": 3, "total": 1200}, "baseline": {"events": 2, "total": 9800}}`},
	}}
	o, err := orders.Observe(context.Background(), exampleWindow())
	fmt.Printf("canary %d of %d, baseline %d of %d, %v\n", o.Canary.Events, o.Canary.Total, o.Baseline.Events, o.Baseline.Total, err)

	broken := &command.Report{Program: command.Program{
		Args: []string{"sh", "-c", "echo no such table >&2; exit 2"},
	}}
	_, err = broken.Observe(context.Background(), exampleWindow())
	fmt.Println(err)
	// Output:
	// canary 3 of 1200, baseline 2 of 9800, <nil>
	// command: sh: exit status 2 (it said "no such table")
}
