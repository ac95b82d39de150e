package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tidegate-go/tidegate/rollout"
)

// fleet is all servers, and the load balancer in front of them.
type fleet struct {
	servers []*server
	byName  map[string]*server
	turn    atomic.Uint64
}

// newFleet makes the servers, with what is installed in dir. None runs yet.
func newFleet(cfg *config, dir string) (*fleet, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("making a place for the servers: %w", err)
	}
	f := &fleet{byName: make(map[string]*server)}
	for i := range cfg.Servers {
		name := fmt.Sprintf("web-%02d", i+1)
		// Some hosts take longer than others: half of Restart up to one and a half.
		restart := cfg.Restart/2 + cfg.Restart*time.Duration(i*5%8)/7
		s := &server{name: name, file: filepath.Join(dir, name), cfg: cfg, restart: restart}
		f.servers = append(f.servers, s)
		f.byName[name] = s
	}
	return f, nil
}

// start starts every server, with the version that it has on disk.
func (f *fleet) start() error {
	for _, s := range f.servers {
		if err := s.start(); err != nil {
			f.stop()
			return err
		}
	}
	return nil
}

func (f *fleet) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	var stopping sync.WaitGroup
	for _, s := range f.servers {
		stopping.Go(func() { s.stop(ctx) })
	}
	stopping.Wait()
}

// reset puts a version on every disk, while no server runs.
func (f *fleet) reset(version string) error {
	for _, s := range f.servers {
		if err := s.install(version); err != nil {
			return err
		}
	}
	return nil
}

// next returns the server whose turn it is, and leaves out those that restart;
// nil when there is none.
func (f *fleet) next() *server {
	for range f.servers {
		s := f.servers[f.turn.Add(1)%uint64(len(f.servers))]
		if s.up() {
			return s
		}
	}
	return nil
}

// targets is the fleet as a plan sees it.
func (f *fleet) targets() []rollout.Target {
	targets := make([]rollout.Target, 0, len(f.servers))
	for _, s := range f.servers {
		targets = append(targets, rollout.Target{Name: s.name})
	}
	return targets
}

// url returns a server's address; empty for a name that is not in the fleet.
func (f *fleet) url(name string) string {
	if s := f.byName[name]; s != nil {
		return s.url
	}
	return ""
}
