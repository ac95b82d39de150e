package promql_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/analysis/promql"
)

// daemon is a real server that the tests start.
type daemon struct {
	binary, debian string
	args           func(address, config, data string) []string
	ready          string // path that answers 200 once it is
}

// start runs the server until the test is over, and waits until it is ready. Without the
// binary it skips the test, but not in CI.
func (d daemon) start(t *testing.T, config string) *promql.Server {
	path, err := exec.LookPath(d.binary)
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("CI is set, but there is no %s in PATH: apt-get install -y --no-install-recommends %s", d.binary, d.debian)
		}
		t.Skipf("SKIPPED: no %s in PATH; apt-get install -y --no-install-recommends %s", d.binary, d.debian)
	}
	for range 3 { // another process may take the port before the server does
		address := freeAddress(t)
		if d.run(t, path, address, config) {
			s := &promql.Server{URL: "http://" + address}
			t.Cleanup(s.CloseIdleConnections)
			return s
		}
	}
	t.Fatalf("%s did not start", d.binary)
	return nil
}

func (d daemon) run(t *testing.T, path, address, config string) (ready bool) {
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, path, d.args(address, config, t.TempDir())...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second // and then it is killed
	cmd.SysProcAttr = dieWithUs()
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	started, exited := make(chan error, 1), make(chan struct{})
	go func() {
		defer close(exited)
		runtime.LockOSThread() // the parent of which dieWithUs speaks is a thread
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait()
		}
	}()
	stop := sync.OnceFunc(func() { cancel(); <-exited })
	t.Cleanup(stop)
	require.NoError(t, <-started)

	deadline := time.After(30 * time.Second)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			resp, err := http.Get("http://" + address + d.ready)
			if err != nil {
				continue
			}
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return true
			}
		case <-exited:
			t.Logf("%s ended: %s", d.binary, output.String())
			return false
		case <-deadline:
			stop()
			t.Logf("%s was not ready in time: %s", d.binary, output.String())
			return false
		}
	}
}

func freeAddress(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().String()
}

// target is a process to scrape, with its share of errors in percent. Between two
// scrapes it serves a hundred requests.
type target struct {
	pod, version string
	percent      float64
}

// expose starts the targets, and returns a configuration to scrape them. Not
// parallel, so that nothing is cleaned up before what uses it.
func expose(t *testing.T, targets []target) (config string) {
	var b strings.Builder
	fmt.Fprint(&b, "global: {scrape_interval: 200ms, scrape_timeout: 200ms}\nscrape_configs:\n- job_name: web\n  static_configs:\n")
	for _, target := range targets {
		requests := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "http_requests_total", Help: "Requests."}, []string{"code"})
		registry := prometheus.NewPedanticRegistry()
		registry.MustRegister(requests)
		page := promhttp.HandlerFor(registry, promhttp.HandlerOpts{})
		server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			requests.WithLabelValues("200").Add(100 - target.percent)
			if target.percent > 0 {
				requests.WithLabelValues("500").Add(target.percent)
			}
			page.ServeHTTP(w, r)
		}))
		server.Config.ErrorLog = log.New(io.Discard, "", 0)
		server.Start()
		t.Cleanup(server.Close)
		fmt.Fprintf(&b, "  - targets: [%q]\n    labels: {pod: %s, version: %q}\n",
			server.Listener.Addr().String(), strconv.QuoteToASCII(target.pod), target.version)
	}
	file := filepath.Join(t.TempDir(), "scrape.yml")
	require.NoError(t, os.WriteFile(file, []byte(b.String()), 0o600))
	return file
}
