package main

import (
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/rollout"
)

func startFleet(t *testing.T, cfg *config) (*fleet, *deployer) {
	t.Helper()
	f, err := newFleet(cfg, place(cfg.Dir).servers())
	require.NoError(t, err)
	require.NoError(t, f.start())
	d := newDeployer(f)
	t.Cleanup(func() {
		d.client.CloseIdleConnections()
		f.stop()
	})
	return f, d
}

func TestAServerKeepsItsVersionAndLosesItsCounters(t *testing.T) {
	cfg := small(t)
	cfg.Servers, cfg.Errors = 2, 0
	f, d := startFleet(t, &cfg)
	web := f.targets()[0]
	get := func(path string) string {
		said, err := d.call(t.Context(), http.MethodGet, web.Name, path)
		require.NoError(t, err)
		return said
	}
	get("/")
	assert.Contains(t, get("/metrics"), `http_requests_total{code="200"} 1`)
	assert.Contains(t, get("/metrics"), `http_requests_total{code="500"} 0`, "a counter is there before it counts")
	assert.Equal(t, map[string]int{old: 2}, d.ask(t.Context()))

	require.NoError(t, d.Deploy(t.Context(), web, rollout.Release{To: bad}))
	assert.Equal(t, map[string]int{old: 1, bad: 1}, d.ask(t.Context()))
	healthy, err := d.Healthy(t.Context(), web)
	require.NoError(t, err)
	assert.True(t, healthy)
	assert.Contains(t, get("/metrics"), `http_requests_total{code="200"} 0`, "as after a real restart")

	again, d2 := startFleet(t, &cfg) // as after a crash of all of it
	assert.Equal(t, map[string]int{old: 1, bad: 1}, d2.ask(t.Context()))
	require.NotEqual(t, f.url(web.Name), again.url(web.Name))
}

func TestAServerRefusesAVersionThatDoesNotExist(t *testing.T) {
	cfg := small(t)
	cfg.Servers = 1
	f, d := startFleet(t, &cfg)
	err := d.Deploy(t.Context(), f.targets()[0], rollout.Release{To: "../v9"})
	require.ErrorContains(t, err, `there is no version "../v9"`)
	require.ErrorContains(t, d.Deploy(t.Context(), rollout.Target{Name: "web-99"}, rollout.Release{To: bad}), `no server "web-99"`)
}

func TestStopFreesThePorts(t *testing.T) {
	cfg := small(t)
	f, _ := startFleet(t, &cfg)
	f.stop()
	for _, s := range f.servers {
		conn, err := net.DialTimeout("tcp", strings.TrimPrefix(s.url, "http://"), time.Second)
		if !assert.Error(t, err, "%s still listens", s.name) {
			conn.Close()
		}
	}
}

func TestLoadIsSpreadEvenlyAndLeavesOutWhatRestarts(t *testing.T) {
	cfg := small(t)
	cfg.Servers = 4
	f, _ := startFleet(t, &cfg)
	f.servers[3].down.Store(true)
	served := map[string]int{}
	for range 300 {
		served[f.next().name]++
	}
	assert.Len(t, served, 3)
	for name, n := range served {
		assert.InDelta(t, 100, n, 50, name)
	}
	for _, s := range f.servers {
		s.down.Store(true)
	}
	assert.Nil(t, f.next(), "nobody is left")
}

func TestLoadIsCountedByVersion(t *testing.T) {
	cfg := small(t)
	cfg.Servers, cfg.Errors = 2, 0.5
	f, _ := startFleet(t, &cfg)
	l := startLoad(f, 1000)
	require.Eventually(t, func() bool { return l.of(old).All >= 200 }, 10*time.Second, 5*time.Millisecond)
	l.stop()
	a := l.of(old)
	assert.InDelta(t, 0.5, float64(a.Bad)/float64(a.All), 0.2)
	assert.Zero(t, l.of(bad))
}

func TestFaultsAreTheSameEveryTimeAndAsManyAsTheyShould(t *testing.T) {
	toss := func(seed uint64, server string) (failed int) {
		f := newFaults(seed, server, bad, 0.05)
		for range 10_000 {
			if f.next() {
				failed++
			}
		}
		return failed
	}
	assert.Equal(t, toss(1, "web-01"), toss(1, "web-01"))
	for _, n := range []int{toss(1, "web-01"), toss(2, "web-01"), toss(1, "web-02")} {
		assert.InDelta(t, 500, n, 100)
	}
	assert.NotEqual(t, toss(1, "web-01"), toss(1, "web-02"))
}
