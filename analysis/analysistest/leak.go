package analysistest

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"runtime/pprof"
	"strings"
	"time"
)

// leakLabel marks the goroutines that a source starts: they inherit it from the
// one that calls it.
const leakLabel = "tidegate-analysistest"

func leavesNothing(ctx context.Context, b *bench, _ Rig) error {
	brief, end := b.brief()
	mark := rand.Text()
	returned := make(chan error, 1)
	pprof.Do(ctx, pprof.Labels(leakLabel, mark), func(ctx context.Context) {
		_, err := story(ctx, brief)
		over, cancel := context.WithCancel(ctx)
		cancel()
		_, _ = brief.Source.Observe(over, brief.window(6))
		returned <- err
	})
	end()
	if err := <-returned; err != nil {
		return err
	}
	// What was told to end needs a moment, and nobody can say when it has.
	again := time.NewTicker(2 * time.Millisecond)
	defer again.Stop()
	late := time.NewTimer(prompt)
	defer late.Stop()
	for {
		left, err := goroutines(mark)
		if err != nil || left == "" {
			return err
		}
		select {
		case <-again.C:
		case <-late.C:
			return fmt.Errorf("after the rig was closed, these are left:\n%s", left)
		}
	}
}

// goroutines returns the stacks of those with a mark, empty if there are none.
func goroutines(mark string) (string, error) {
	profile := pprof.Lookup("goroutine")
	if profile == nil {
		return "", errors.New("there is no profile of goroutines")
	}
	var all bytes.Buffer
	if err := profile.WriteTo(&all, 1); err != nil {
		return "", err
	}
	var marked []string
	for _, stack := range strings.Split(all.String(), "\n\n") {
		if strings.Contains(stack, mark) {
			marked = append(marked, stack)
		}
	}
	return strings.Join(marked, "\n\n"), nil
}
