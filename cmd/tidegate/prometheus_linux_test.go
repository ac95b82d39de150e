package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// first is when the recorded series begin. They have a sample every 15 s, for an hour.
var first = time.Date(2026, 1, 2, 15, 0, 0, 0, time.UTC)

const samples = 240

// recordedMetrics writes what was recorded, as OpenMetrics. From half an hour on, the canary in
// the north fails 5 of 100 requests instead of one, and its latency goes from 20 to 30.
func recordedMetrics() string {
	var b strings.Builder
	fmt.Fprintln(&b, "# TYPE requests counter")
	for _, pod := range []string{"canary", "old"} {
		for _, zone := range []string{"north", "south"} {
			for _, code := range []string{"200", "500"} {
				total := 0
				for i := range samples + 1 {
					fmt.Fprintf(&b, "requests_total{pod=%q,zone=%q,code=%q} %d %d\n", pod, zone, code, total, first.Unix()+15*int64(i))
					failed := 1
					if pod == "canary" && zone == "north" && i >= samples/2 {
						failed = 5
					}
					if code == "500" {
						total += failed
					} else {
						total += 100 - failed
					}
				}
			}
		}
	}
	fmt.Fprintln(&b, "# TYPE took histogram")
	for _, pod := range []string{"canary", "old"} {
		fast := 0
		for i := range samples + 1 {
			at := first.Unix() + 15*int64(i)
			fmt.Fprintf(&b, "took_bucket{pod=%q,le=\"0.1\"} %d %d\ntook_bucket{pod=%q,le=\"+Inf\"} %d %d\n", pod, fast, at, pod, 100*i, at)
			fast += 90
			if pod == "canary" && i >= samples/2 {
				fast -= 30
			}
		}
	}
	fmt.Fprintln(&b, "# TYPE latency gauge")
	for _, pod := range []string{"canary", "old"} {
		for i := range samples + 1 {
			v := 20 + float64((i*7919+len(pod))%17)/10
			if pod == "canary" && i >= samples/2 {
				v += 10
			}
			fmt.Fprintf(&b, "latency{pod=%q} %v %d\n", pod, v, first.Unix()+15*int64(i))
		}
	}
	fmt.Fprintln(&b, "# EOF")
	return b.String()
}

// startPrometheus starts a server that has the recorded series.
func startPrometheus(t *testing.T) (url string) {
	for _, binary := range []string{"prometheus", "promtool"} {
		if _, err := exec.LookPath(binary); err != nil {
			if os.Getenv("CI") != "" {
				t.Fatalf("CI is set, but there is no %s in PATH: apt-get install -y --no-install-recommends prometheus", binary)
			}
			t.Skipf("SKIPPED: no %s in PATH; apt-get install -y --no-install-recommends prometheus", binary)
		}
	}
	dir := t.TempDir()
	input, config, data := filepath.Join(dir, "metrics.txt"), filepath.Join(dir, "prometheus.yml"), filepath.Join(dir, "data")
	require.NoError(t, os.WriteFile(input, []byte(recordedMetrics()), 0o600))
	require.NoError(t, os.WriteFile(config, []byte("global: {}\n"), 0o600))
	said, err := exec.Command("promtool", "tsdb", "create-blocks-from", "openmetrics", input, data).CombinedOutput()
	require.NoError(t, err, "%s", said)

	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := l.Addr().String()
	require.NoError(t, l.Close())
	cmd := exec.Command("prometheus", "--web.listen-address="+address, "--config.file="+config, "--storage.tsdb.path="+data, "--storage.tsdb.retention.time=100y")
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	started, exited := make(chan error, 1), make(chan struct{})
	go func() {
		defer close(exited)
		runtime.LockOSThread() // the parent of which Pdeathsig speaks is a thread
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait()
		}
	}()
	require.NoError(t, <-started)
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		<-exited
	})
	for range 1500 {
		select {
		case <-exited:
			t.Fatalf("prometheus ended: %s", output.String())
		case <-time.After(20 * time.Millisecond):
		}
		if resp, err := http.Get("http://" + address + "/-/ready"); err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return "http://" + address
			}
		}
	}
	t.Fatal("prometheus was not ready in time")
	return ""
}

// Series come from a real server as they were recorded there.
func TestFromPrometheus(t *testing.T) {
	t.Parallel()
	url := startPrometheus(t)
	const (
		all    = `sum(increase(requests_total{pod="%s"}[{{.Window}}]))`
		failed = `sum(increase(requests_total{pod="%s",code="500"}[{{.Window}}]))`
	)
	of := func(format, pod string) string { return fmt.Sprintf(format, pod) }
	at := func(minutes int) string { return first.Add(time.Duration(minutes) * time.Minute).Format(time.RFC3339) }
	countsOf := func(all, failed string) []string {
		return []string{
			"--canary", of(failed, "canary"), "--canary-total", of(all, "canary"),
			"--baseline", of(failed, "old"), "--baseline-total", of(all, "old"),
		}
	}
	byZone := func(query string) string { return strings.Replace(query, "sum(", "sum by (zone) (", 1) }
	bucketsOf := func(pod string) string {
		return fmt.Sprintf(`sum by (le) (increase(took_bucket{pod=%q}[{{.Window}}]))`, pod)
	}
	latency := []string{"--canary", `latency{pod="canary"}`, "--baseline", `latency{pod="old"}`}
	for _, tc := range []struct {
		story, flags string
		queries      []string
		start, end   string
		lines, exit  int
		last         string // of the last answer
	}{
		{"a good release", "--judge notworse --step 1m", countsOf(all, failed), at(0), at(29), 29, exitPass, `"canary":{"rate":0.01,"events":`},
		{"a bad one", "--judge notworse --step 1m", countsOf(all, failed), at(30), at(60), 30, exitFail, `"outcome":"fail"`},
		{"in Unix seconds", "--judge notworse --step 30s", countsOf(all, failed), fmt.Sprint(first.Unix()), fmt.Sprintf("%d.5", first.Unix()+61), 2, exitInconclusive, `"time":"2026-01-02T15:01:00Z"`},
		{"by slices", "--judge notworse --step 1m --by zone --per-slice", countsOf(byZone(all), byZone(failed)), at(30), at(60), 30, exitFail, `"slice":"north"`},
		{"a histogram", "--judge notworse --histogram --step 1m", []string{"--canary", bucketsOf("canary"), "--baseline", bucketsOf("old")}, at(30), at(60), 30, exitFail, `above 0.1`},
		{"with what was before", "--judge notworse --step 15s --before " + at(0), latency, at(30), at(60), 240, exitFail, `"calibration":"calibrated by an A/A window`},
		{"against a limit", "--judge below --limit 25 --step 15s", latency[:2], at(0), at(29), 116, exitPass, `"canary":{"rate":2`},
		{"ranks", "--judge mannwhitney --step 15s", latency, at(30), at(60), 1, exitFail, `"count":120`},
		{"as Kayenta", "--judge kayenta --step 15s", latency, at(30), at(60), 1, exitFail, `"classification":"High"`},
		{"as Kayenta, with gaps", "--judge kayenta --step 15s", latency, at(0), at(70), 1, exitPass, `"count":260`}, // a value lasts for 5 min
	} {
		t.Run(tc.story, func(t *testing.T) {
			args := append([]string{"analyze", "--from-prometheus", url, "--start", tc.start, "--end", tc.end}, strings.Fields(tc.flags)...)
			code, stdout, stderr := runs("", append(args, tc.queries...)...)
			require.Empty(t, stderr)
			require.Equal(t, tc.exit, code, stdout)
			lines := strings.Split(strings.TrimSpace(stdout), "\n")
			require.Len(t, lines, tc.lines)
			require.Contains(t, lines[len(lines)-1], tc.last)
			for i, line := range lines {
				var o object
				require.NoError(t, json.Unmarshal([]byte(line), &o))
				require.EqualValues(t, i+1, o["observation"])
			}
		})
	}
	t.Run("nothing there", func(t *testing.T) {
		for want, args := range map[string][]string{
			"nothing to judge from 2026-01-02T15:00:00Z to 2026-01-02T16:00:00Z: promql: Query of the canary: analysis: no data: no series matches": {"--canary", "nothing", "--start", at(0)},
			`--start is 2026-01-02T16:00:00Z, --end 2026-01-02T16:00:00Z and --step 10s: want an end`:                                               {"--canary", "latency", "--start", at(60)},
			`cannot fetch the series: promql: Query of the canary: the server refused the query: 400 "bad_data"`:                                    {"--canary", "latency{", "--start", at(0)},
			"cannot fetch the series: promql: Query of the canary: 2 series, want one (aggregate them, as with sum())":                              {"--canary", "latency", "--start", at(0)},
		} {
			code, stdout, stderr := runs("", append([]string{"analyze", "--judge", "below", "--limit", "1", "--from-prometheus", url, "--end", at(60)}, args...)...)
			require.Contains(t, stderr, "tidegate: "+want)
			require.Equal(t, exitBadInput, code)
			require.Empty(t, stdout)
			require.Equal(t, 1, strings.Count(stderr, "\n"))
		}
	})
}
