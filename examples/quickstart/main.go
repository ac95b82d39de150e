package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"

	"github.com/tidegate-go/tidegate/rollout"
)

func main() {
	cfg := defaults()
	if err := cfg.fromEnvironment(); err != nil {
		fail(err)
	}
	flag.StringVar(&cfg.Dir, "dir", cfg.Dir, "the `folder` for journals, and for all else that outlives a crash")
	flag.BoolVar(&cfg.Crash, "crash", cfg.Crash, "kill the process in the middle of wave 2; run it again to see it resume")
	flag.Parse()
	if flag.NArg() > 0 {
		fail(fmt.Errorf("there is nothing to do with %q: see --help", flag.Args()))
	}
	ctx, stop := signal.NotifyContext(context.Background(), rollout.InterruptSignals()...)
	defer stop()
	s := newScreen(os.Stdout)
	if err := run(ctx, cfg, s); err != nil {
		fail(err)
	}
	s.say(s.palette().green("  All as promised."))
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "\n"+wrap("quickstart: "+err.Error(), "  ", wide))
	os.Exit(1)
}
