package guardrails

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"strings"
	"sync"
)

// Signals returns a source that says trip when the process gets one of the
// signals, such as syscall.SIGUSR1, so that `kill -USR1 PID` stops it.
//
// Signals are caught from the moment that the switch is watched until it no
// longer is (see KillSwitch.Watch). Before and after, they have their usual
// effect, which is to end the process for most. A signal is told once: after a
// Reset the next one trips again.
func Signals(sig ...os.Signal) SwitchSource {
	return &signalSource{signals: sig}
}

type signalSource struct {
	signals []os.Signal

	mu   sync.Mutex
	seen os.Signal // not told yet
}

// Name returns "signal" and the signals' names.
func (s *signalSource) Name() string {
	names := make([]string, len(s.signals))
	for i, sig := range s.signals {
		names[i] = sig.String()
	}
	return "signal " + strings.Join(names, ", ")
}

// Read tells of a signal that came since the last read.
func (s *signalSource) Read(context.Context) (tripped bool, reason string, err error) {
	if len(s.signals) == 0 {
		// For signal.Notify that would mean all of them.
		return false, "", errors.New("no signal is named")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	seen := s.seen
	s.seen = nil
	if seen == nil {
		return false, "", nil
	}
	return true, "the process got the signal " + seen.String(), nil
}

// Watch catches the signals until ctx is done.
func (s *signalSource) Watch(ctx context.Context, changed func()) {
	if len(s.signals) == 0 {
		return
	}
	caught := make(chan os.Signal, len(s.signals))
	signal.Notify(caught, s.signals...)
	for {
		select {
		case sig := <-caught:
			s.told(sig)
			changed()
		case <-ctx.Done():
			signal.Stop(caught)
			close(caught)
			for sig := range caught { // what came before Stop still counts
				s.told(sig)
			}
			return
		}
	}
}

func (s *signalSource) told(sig os.Signal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen = sig
}
