package main

import (
	"io"
	"net/http"
	"sync"
	"time"
)

// load is the users: a steady stream of requests, spread evenly over the
// servers that are up.
type load struct {
	fleet  *fleet
	rate   float64 // requests a second
	client *http.Client

	stopping chan struct{}
	running  sync.WaitGroup

	mu       sync.Mutex
	answered map[string]answers // by version
}

// answers is what users got from one version.
type answers struct{ All, Bad int }

// Bounds of the load generator.
const (
	loadWorkers = 16
	loadPace    = 5 * time.Millisecond
)

func startLoad(f *fleet, rate float64) *load {
	l := &load{
		fleet: f, rate: rate,
		client: &http.Client{
			Timeout:   5 * time.Second,
			Transport: &http.Transport{MaxIdleConnsPerHost: 2, MaxConnsPerHost: 2},
		},
		stopping: make(chan struct{}),
		answered: make(map[string]answers),
	}
	turns := make(chan *server, 2*loadWorkers)
	for range loadWorkers {
		l.running.Go(func() {
			for s := range turns {
				l.request(s)
			}
		})
	}
	l.running.Go(func() {
		defer close(turns)
		l.pace(turns)
	})
	return l
}

// pace hands out as many turns as are due. What nobody is free to take is let
// go: a computer that is too slow gets less load, not ever more.
func (l *load) pace(turns chan<- *server) {
	tick := time.NewTicker(loadPace)
	defer tick.Stop()
	due, last := 0.0, time.Now()
	for {
		select {
		case <-l.stopping:
			return
		case now := <-tick.C:
			due += l.rate * now.Sub(last).Seconds()
			last = now
		}
		for ; due >= 1; due-- {
			s := l.fleet.next()
			if s == nil {
				due = 0
				break
			}
			select {
			case turns <- s:
			case <-l.stopping:
				return
			default:
			}
		}
	}
}

func (l *load) request(s *server) {
	resp, err := l.client.Get(s.url + "/")
	if err != nil {
		return // no version has answered
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
	version := resp.Header.Get("X-Version")
	l.mu.Lock()
	a := l.answered[version]
	a.All++
	if resp.StatusCode != http.StatusOK {
		a.Bad++
	}
	l.answered[version] = a
	l.mu.Unlock()
}

// of returns what users got from a version so far.
func (l *load) of(version string) answers {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.answered[version]
}

// stop ends the load, and returns once no request is under way.
func (l *load) stop() {
	close(l.stopping)
	l.running.Wait()
	l.client.CloseIdleConnections()
}
