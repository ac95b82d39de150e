package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// server is one web server of the fleet:
//
//	GET  /                    the work: 200, or 500 when it fails
//	GET  /metrics             what it has counted, for Prometheus and for the gate
//	GET  /version             what it runs
//	GET  /healthz             whether it is able to serve
//	POST /deploy?version=v2   installs another version and restarts
type server struct {
	name string
	// file holds the installed version, as the disk of a host holds a binary: it
	// outlives the process.
	file    string
	cfg     *config
	restart time.Duration

	http   *http.Server
	url    string
	closed chan struct{} // when Serve has returned

	deploying sync.Mutex
	down      atomic.Bool // restarting
	process   atomic.Pointer[process]
}

// process is what a restart replaces: a version, and all that it has counted.
type process struct {
	version    string
	faults     *faults
	ok, failed prometheus.Counter
	metrics    http.Handler
}

// newProcess starts a version, with counters of its own that begin at 0.
func (s *server) newProcess(version string) *process {
	registry := prometheus.NewRegistry()
	requests := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "http_requests_total",
		Help: "Requests that were answered, by status code.",
	}, []string{"code"})
	registry.MustRegister(requests)
	rate := s.cfg.Errors
	if version == bad {
		rate = s.cfg.Broken
	}
	return &process{
		version: version,
		faults:  newFaults(s.cfg.Seed, s.name, version, rate),
		ok:      requests.WithLabelValues("200"),
		failed:  requests.WithLabelValues("500"),
		metrics: promhttp.HandlerFor(registry, promhttp.HandlerOpts{}),
	}
}

// start listens on a loopback port, and serves the version that is installed.
func (s *server) start() error {
	version, err := s.installed()
	if err != nil {
		return err
	}
	s.process.Store(s.newProcess(version))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("starting %s: %w", s.name, err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.work)
	mux.HandleFunc("GET /metrics", s.metrics)
	mux.HandleFunc("GET /version", s.version)
	mux.HandleFunc("GET /healthz", s.healthz)
	mux.HandleFunc("POST /deploy", s.deploy)
	s.http = &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	s.url = "http://" + listener.Addr().String()
	s.closed = make(chan struct{})
	go func() {
		defer close(s.closed)
		_ = s.http.Serve(listener) // ends with ErrServerClosed
	}()
	return nil
}

// stop lets requests that are under way come to their end, for a while.
func (s *server) stop(ctx context.Context) {
	if s.http == nil {
		return
	}
	if s.http.Shutdown(ctx) != nil {
		_ = s.http.Close()
	}
	<-s.closed
}

// installed returns the version on disk. A server that was never deployed to
// has v1.
func (s *server) installed() (string, error) {
	content, err := os.ReadFile(s.file)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return old, nil
	case err != nil:
		return "", fmt.Errorf("reading what is installed on %s: %w", s.name, err)
	}
	return string(content), nil
}

// install puts a version on disk: all of it or nothing, whenever the process is
// killed.
func (s *server) install(version string) error {
	part := filepath.Join(filepath.Dir(s.file), "."+s.name+".part")
	if err := os.WriteFile(part, []byte(version), 0o600); err != nil {
		return fmt.Errorf("installing %s on %s: %w", version, s.name, err)
	}
	if err := os.Rename(part, s.file); err != nil {
		return fmt.Errorf("installing %s on %s: %w", version, s.name, err)
	}
	return nil
}

// up tells the load balancer whether to send requests here.
func (s *server) up() bool { return !s.down.Load() }

func (s *server) work(w http.ResponseWriter, _ *http.Request) {
	p := s.process.Load()
	w.Header().Set("X-Version", p.version)
	if p.faults.next() {
		p.failed.Inc()
		http.Error(w, "out of luck", http.StatusInternalServerError)
		return
	}
	p.ok.Inc()
	fmt.Fprintln(w, "hello from "+s.name)
}

func (s *server) metrics(w http.ResponseWriter, r *http.Request) {
	if s.away(w) {
		return
	}
	s.process.Load().metrics.ServeHTTP(w, r)
}

func (s *server) version(w http.ResponseWriter, _ *http.Request) {
	if s.away(w) {
		return
	}
	fmt.Fprint(w, s.process.Load().version)
}

func (s *server) healthz(w http.ResponseWriter, _ *http.Request) {
	if s.away(w) {
		return
	}
	fmt.Fprintln(w, "ok")
}

func (s *server) away(w http.ResponseWriter) bool {
	if s.up() {
		return false
	}
	http.Error(w, "restarting", http.StatusServiceUnavailable)
	return true
}

// deploy installs a version and restarts the server with it. It may be called
// again and again, and answers once the server is back.
func (s *server) deploy(w http.ResponseWriter, r *http.Request) {
	version := r.FormValue("version")
	if version != old && version != bad && version != good {
		http.Error(w, fmt.Sprintf("there is no version %q", version), http.StatusBadRequest)
		return
	}
	s.deploying.Lock()
	defer s.deploying.Unlock()
	if err := s.install(version); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	s.down.Store(true)
	time.Sleep(s.restart) // what a restart takes
	s.process.Store(s.newProcess(version))
	s.down.Store(false)
	fmt.Fprintln(w, "runs", version)
}
