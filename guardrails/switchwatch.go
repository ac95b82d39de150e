package guardrails

import (
	"context"
	"sync"
	"time"
)

// Watch reads every source each Every until ctx is done, and calls changed
// whenever the next Check may answer differently: the switch was tripped, by
// whatever, or reset, or a source can be read again. It calls it from this
// goroutine, one call at a time, and at once if the switch is tripped already.
//
// When Watch returns, everything that it started has ended, except for a read
// of a source that hangs and does not heed its ctx.
//
// Any number of watches may run on one switch.
func (k *KillSwitch) Watch(ctx context.Context, changed func()) {
	news := k.listen()
	defer k.unlisten(news)
	var sources sync.WaitGroup
	defer sources.Wait()
	ctx, stop := context.WithCancel(ctx) // this watch's own, see drain
	defer stop()
	for _, r := range k.arm() {
		poke := make(chan struct{}, 1)
		if w, ok := r.source.(SwitchWatcher); ok {
			sources.Go(func() {
				defer func() { _ = recover() }() // it is read each Every all the same
				w.Watch(ctx, func() { signalOn(poke) })
			})
		}
		sources.Go(func() { k.poll(ctx, r, poke) })
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-news:
			if changed != nil {
				changed()
			}
		}
	}
}

// poll reads one source each Every, and when it is poked.
func (k *KillSwitch) poll(ctx context.Context, r *switchReader, poke <-chan struct{}) {
	tick := time.NewTicker(k.every())
	defer tick.Stop()
	for {
		k.await(ctx, ctx, r, k.need(r, 0))
		k.mu.Lock()
		k.assess(time.Now())
		k.mu.Unlock()
		select {
		case <-tick.C:
		case <-poke:
		case <-ctx.Done():
			k.drain(ctx, r)
			return
		}
	}
}

// drain waits for a read that ends with ctx, but not for one that hangs.
func (k *KillSwitch) drain(ctx context.Context, r *switchReader) {
	k.mu.Lock()
	read := r.latest
	k.mu.Unlock()
	if read != nil && read.life == ctx.Done() {
		read.wait(context.WithoutCancel(ctx))
	}
}

// listen returns a channel that gets a token when something has changed.
func (k *KillSwitch) listen() chan struct{} {
	k.mu.Lock()
	defer k.mu.Unlock()
	news := make(chan struct{}, 1)
	if k.watchers == nil {
		k.watchers = map[chan struct{}]struct{}{}
	}
	k.watchers[news] = struct{}{}
	if k.cause != nil {
		signalOn(news)
	}
	return news
}

func (k *KillSwitch) unlisten(news chan struct{}) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.watchers, news)
}

// tell wakes every watch. The caller holds mu.
func (k *KillSwitch) tell() {
	for news := range k.watchers {
		signalOn(news)
	}
}

// signalOn leaves a token, unless one is waiting there already.
func signalOn(token chan<- struct{}) {
	select {
	case token <- struct{}{}:
	default:
	}
}
