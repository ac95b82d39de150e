package filejournal_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/tidegate-go/tidegate/rollout"
	"github.com/tidegate-go/tidegate/rollout/filejournal"
)

func Example() {
	ctx := context.Background()
	tmp, _ := os.MkdirTemp("", "tidegate")
	defer os.RemoveAll(tmp)
	dir := filejournal.Dir(tmp) // as a rule /var/lib/tidegate

	// A rollout.Runner does all this; here it is by hand.
	session, err := dir.Open(ctx, "checkout-v42", "checkout")
	if err != nil {
		fmt.Println(err)
		return
	}
	at := time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
	err = session.Append(ctx,
		rollout.Event{At: at, Kind: rollout.Doing, Step: "host-1"},
		rollout.Event{At: at.Add(3 * time.Second), Kind: rollout.Done, Step: "host-1", Attempts: 1},
	)
	fmt.Println("recorded:", err)
	_ = session.Close()

	// Another rollout of the service has to wait: this one has not ended.
	_, err = dir.Open(ctx, "checkout-v43", "checkout")
	fmt.Println("held:", errors.Is(err, rollout.ErrHeld))

	for ev, err := range dir.Read("checkout-v42") {
		fmt.Println(ev.At.Format(time.TimeOnly), ev.Kind, ev.Step, err)
	}
	lines, _ := os.ReadFile(tmp + "/checkout-v42.jsonl")
	fmt.Print(string(lines))
	// Output:
	// recorded: <nil>
	// held: true
	// 12:00:00 doing host-1 <nil>
	// 12:00:03 done host-1 <nil>
	// {"at":"2026-07-01T12:00:00Z","kind":"doing","step":"host-1","seq":1,"sum":"2b9905cc791b4d08cc57277ce0ca9fe7"}
	// {"at":"2026-07-01T12:00:03Z","kind":"done","step":"host-1","attempts":1,"seq":2,"sum":"c5219e402384f0de25fdfcb5ef9a19ec"}
}
