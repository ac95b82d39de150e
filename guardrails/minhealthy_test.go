package guardrails_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/guardrails"
)

var (
	_ guardrails.Watcher    = (*guardrails.MinHealthy)(nil)
	_ guardrails.Namer      = (*guardrails.MinHealthy)(nil)
	_ guardrails.SelfTester = (*guardrails.MinHealthy)(nil)
	_ analysis.Problemer    = (*guardrails.MinHealthy)(nil)
)

// ward is a set of targets with a health each: 'h'ealthy, 'u'nhealthy, '?' unknown.
type ward struct {
	mu      sync.Mutex
	targets []guardrails.Target
	health  map[string]rune
}

// newWard has one zone for each string, with one target for each letter: "z0-0", "z0-1".
func newWard(zones ...string) *ward {
	w := &ward{health: make(map[string]rune)}
	for z, letters := range zones {
		for i, health := range letters {
			name := fmt.Sprintf("z%d-%d", z, i)
			w.targets = append(w.targets, guardrails.Target{Name: name, Labels: map[string]string{"zone": "z" + strconv.Itoa(z)}})
			w.health[name] = health
		}
	}
	return w
}

func (w *ward) probe(_ context.Context, t guardrails.Target) (bool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch w.health[t.Name] {
	case '?':
		return false, errors.New("no route to host")
	case '!':
		panic("the prober is broken")
	default:
		return w.health[t.Name] == 'h', nil
	}
}

func (w *ward) set(name string, health rune) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.health[name] = health
}

func (w *ward) up() (n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, h := range w.health {
		if h == 'h' {
			n++
		}
	}
	return n
}

func change(verb guardrails.Verb, target string) guardrails.Action {
	return guardrails.Action{Verb: verb, Target: target}
}

// AWS S3, February 2017: a playbook with one wrong input takes far more servers away than
// was meant. It goes as fast as it can, and nothing comes back by itself.
func TestMinHealthyStopsAPlaybookWithAWrongInput(t *testing.T) {
	run := func(t *testing.T, guards func(*ward) []guardrails.Guard) (left int) {
		synctest.Test(t, func(t *testing.T) {
			index := newWard("hhhhhhhhhh" + "hhhhhhhhhh")
			all := guards(index)
			for _, server := range index.targets {
				if guardrails.Check(t.Context(), all, change(guardrails.Deploy, server.Name)) == nil {
					index.set(server.Name, 'u')
				}
				time.Sleep(10 * time.Second)
			}
			left = index.up()
		})
		return left
	}
	require.Equal(t, 14, run(t, func(w *ward) []guardrails.Guard {
		return []guardrails.Guard{&guardrails.MinHealthy{Percent: 66, Targets: w.targets, Probe: w.probe}}
	}), "66% of 20, rounded up")
	require.Zero(t, run(t, func(*ward) []guardrails.Guard { return nil }), "and without it")
}

func TestMinHealthy(t *testing.T) {
	for _, tc := range []struct {
		story    string
		zones    []string
		percent  float64
		verb     guardrails.Verb
		target   string
		blind    string
		evidence string // empty: let through
	}{
		{"66% of 5 is 4, rounded up: with all of them healthy one may go", []string{"hhhhh"}, 66, guardrails.Deploy, "z0-0", "", ""},
		{"with one down, none may", []string{"hhhhu"}, 66, guardrails.Deploy, "z0-0", "",
			"3 healthy, 1 unhealthy, 0 unknown, 0 being changed, and this one; the floor is 66% = 4"},
		{"but the one that is down costs nothing", []string{"hhhhu"}, 66, guardrails.Deploy, "z0-4", "", ""},
		{"not even far below the floor", []string{"huuuu"}, 66, guardrails.Deploy, "z0-4", "", ""},
		{"unknown is unhealthy, for the others", []string{"hhhh?"}, 66, guardrails.Deploy, "z0-0", "",
			"3 healthy, 0 unhealthy, 1 unknown, 0 being changed, and this one; the floor is 66% = 4"},
		{"and healthy, for the one that is to be changed", []string{"hhhu?"}, 66, guardrails.Deploy, "z0-4", "",
			"3 healthy, 1 unhealthy, 0 unknown, 0 being changed, and this one; the floor is 66% = 4"},
		{"which may go while the others keep the floor", []string{"hhhh?"}, 66, guardrails.Deploy, "z0-4", "", ""},
		{"a probe that panics knows nothing", []string{"hhhh!"}, 66, guardrails.Deploy, "z0-0", "",
			"3 healthy, 0 unhealthy, 1 unknown, 0 being changed, and this one; the floor is 66% = 4"},
		{"the floor holds on the way back", []string{"hhhhu"}, 66, guardrails.Undo, "z0-0", "",
			"3 healthy, 1 unhealthy, 0 unknown, 0 being changed, and this one; the floor is 66% = 4"},
		{"where what is down may be undone at once", []string{"huuuu"}, 66, guardrails.Undo, "z0-1", "", ""},
		{"and does not go blind", []string{"?????"}, 66, guardrails.Undo, "z0-1", "",
			"0 healthy, 0 unhealthy, 4 unknown, 0 being changed, and this one; the floor is 66% = 4"},
		{"unless it may", []string{"?????"}, 66, guardrails.Undo, "z0-1", "the prober runs on the fleet", ""},
		{"which does not make the unhealthy healthy", []string{"???uu"}, 66, guardrails.Undo, "z0-1", "the prober runs on the fleet",
			"2 healthy, 2 unhealthy, 0 unknown, 0 being changed, and this one; the floor is 66% = 4"},
		{"and says nothing of the way forward", []string{"?????"}, 66, guardrails.Deploy, "z0-1", "the prober runs on the fleet",
			"0 healthy, 0 unhealthy, 4 unknown, 0 being changed, and this one; the floor is 66% = 4"},
		{"a zone at its floor", []string{"hhu", "hhh"}, 60, guardrails.Deploy, "z0-0", "",
			"1 healthy, 1 unhealthy, 0 unknown, 0 being changed, and this one; the floor is 60% = 2"},
		{"does not concern another", []string{"hhu", "hhh"}, 60, guardrails.Deploy, "z1-0", "", ""},
		{"a target that nobody probes", []string{"hhh"}, 60, guardrails.Deploy, "z9-0", "", "3 targets are probed"},
		{"and one without a name", []string{"hhh"}, 60, guardrails.Deploy, "", "", "3 targets are probed"},
		{"a verb that is not set counts as a deploy", []string{"hhu"}, 60, guardrails.Unknown, "z0-0", "",
			"1 healthy, 1 unhealthy, 0 unknown, 0 being changed, and this one; the floor is 60% = 2"},
		{"and so does one from the future", []string{"hhu"}, 60, 99, "z0-0", "",
			"1 healthy, 1 unhealthy, 0 unknown, 0 being changed, and this one; the floor is 60% = 2"},
		{"a start below the floor may bring the remedy", []string{"uuu"}, 60, guardrails.Start, "", "", ""},
		{"a start with one that answers", []string{"?h?"}, 60, guardrails.Start, "", "", ""},
		{"a start that knows nothing", []string{"???"}, 60, guardrails.Start, "", "", "3 of 3 probes failed"},
		{"a bake changes nothing", []string{"uuu"}, 60, guardrails.Bake, "", "", ""},
		{"nor does a recovery", []string{"uuu"}, 60, guardrails.Recover, "", "", ""},
		{"a percentage counts as it is written", []string{"hhhhhhhhhh"}, 90.1, guardrails.Deploy, "z0-0", "",
			"Percent is 90.1, and 90.1% of the 10 targets of zone \"z0\" is 10, rounded up, so that none of them could ever be changed"},
	} {
		t.Run(tc.story, func(t *testing.T) {
			w := newWard(tc.zones...)
			m := &guardrails.MinHealthy{Percent: tc.percent, PerLabel: "zone", Targets: w.targets, Probe: w.probe, UndoBlind: tc.blind}
			err := m.Check(t.Context(), change(tc.verb, tc.target))
			if tc.evidence == "" {
				require.NoError(t, err)
				return
			}
			b := refusal(t, m, err)
			require.Equal(t, tc.evidence, b.Evidence)
			require.True(t, b.Cap)
		})
	}
}

func TestMinHealthySaysItPlainly(t *testing.T) {
	w := newWard("hhhhu")
	m := &guardrails.MinHealthy{Percent: 66, PerLabel: "zone", Targets: w.targets, Probe: w.probe}
	require.EqualError(t, m.Check(t.Context(), change(guardrails.Deploy, "z0-0")),
		`guardrails: min-healthy/zone: without z0-0, 3 of 5 targets of zone "z0" would be able to serve (3 healthy, 1 unhealthy, 0 unknown, 0 being changed, and this one; the floor is 66% = 4)`)
}

// A batch is asked about before any of it begins, so what was let through counts as down
// while its probe still finds it healthy.
func TestMinHealthyCountsWhatItHasLetThrough(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWard("hhhhhh")
		m := &guardrails.MinHealthy{Percent: 66, Targets: w.targets, Probe: w.probe, Settle: 20 * time.Second, Every: time.Second}
		ask := func(target string) error { return m.Check(t.Context(), change(guardrails.Deploy, target)) }
		require.NoError(t, ask("z0-0"))
		require.NoError(t, ask("z0-1"))
		require.Equal(t, "3 healthy, 0 unhealthy, 0 unknown, 2 being changed, and this one; the floor is 66% = 4", refusal(t, m, ask("z0-2")).Evidence)
		require.NoError(t, ask("z0-1"), "the same again costs nothing more")
		time.Sleep(19 * time.Second)
		require.Error(t, ask("z0-2"), "probed healthy all the while, but perhaps not begun yet")
		w.set("z0-0", 'u')
		time.Sleep(3 * time.Second)
		require.NoError(t, ask("z0-2"), "one has come back, the other is down by its probe")
		require.Error(t, ask("z0-3"))
	})
}

// What was let through in one zone takes nothing from another.
func TestMinHealthyZonesDoNotShare(t *testing.T) {
	w := newWard("hhh", "hhh")
	m := &guardrails.MinHealthy{Percent: 60, PerLabel: "zone", Targets: w.targets, Probe: w.probe}
	for _, tc := range []struct {
		target string
		passes bool
	}{{"z0-0", true}, {"z0-1", false}, {"z1-0", true}, {"z1-1", false}} {
		err := m.Check(t.Context(), change(guardrails.Deploy, tc.target))
		require.Equal(t, tc.passes, err == nil, "%s: %v", tc.target, err)
	}
}

// A blind rollback is no faster than one that sees.
func TestMinHealthyBlindUndoIsPaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWard("??????")
		m := &guardrails.MinHealthy{Percent: 66, Targets: w.targets, Probe: w.probe, UndoBlind: "the prober is down"}
		undone := 0
		for _, one := range w.targets {
			if m.Check(t.Context(), change(guardrails.Undo, one.Name)) == nil {
				undone++
			}
		}
		require.Equal(t, 2, undone)
		time.Sleep(guardrails.DefaultSettle + time.Minute)
		require.NoError(t, m.Check(t.Context(), change(guardrails.Undo, "z0-5")))
	})
}

func TestMinHealthyAsksOnceForMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWard("hhhhhhhhhh")
		var mu sync.Mutex
		asked := 0
		m := &guardrails.MinHealthy{Percent: 50, Targets: w.targets, Probe: func(ctx context.Context, target guardrails.Target) (bool, error) {
			mu.Lock()
			asked++
			mu.Unlock()
			return w.probe(ctx, target)
		}}
		for range 100 {
			require.NoError(t, m.Check(t.Context(), change(guardrails.Deploy, "z0-0")))
		}
		require.Equal(t, 10, asked)
	})
}

// A probe that hangs is unknown, and it hangs nobody else; it gets no second question
// before it has come back.
func TestMinHealthyProbeThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWard("hhhh")
		free := make(chan struct{})
		var mu sync.Mutex
		hanging := 0
		m := &guardrails.MinHealthy{Percent: 50, Targets: w.targets, Every: time.Second, Probe: func(ctx context.Context, target guardrails.Target) (bool, error) {
			if target.Name == "z0-3" {
				mu.Lock()
				hanging++
				mu.Unlock()
				<-free // whatever ctx says
			}
			return w.probe(ctx, target)
		}}
		begun := time.Now()
		require.NoError(t, m.Check(t.Context(), change(guardrails.Deploy, "z0-0")))
		require.Equal(t, guardrails.DefaultAskTimeout, time.Since(begun))
		for range 10 {
			time.Sleep(5 * time.Second)
			_ = m.Check(t.Context(), change(guardrails.Deploy, "z0-0"))
		}
		mu.Lock()
		require.Equal(t, 1, hanging)
		mu.Unlock()
		close(free)
	})
}

func TestMinHealthyCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWard("hhhh")
		m := &guardrails.MinHealthy{Percent: 50, Targets: w.targets, Probe: func(ctx context.Context, _ guardrails.Target) (bool, error) {
			<-ctx.Done()
			return true, nil
		}}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		b := refusal(t, m, m.Check(ctx, change(guardrails.Deploy, "z0-0")))
		require.ErrorIs(t, b, context.DeadlineExceeded)
		require.True(t, b.Cap)
		time.Sleep(time.Minute) // the round ends by itself
	})
}

func TestMinHealthyWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWard("hhhh")
		m := &guardrails.MinHealthy{Percent: 50, Targets: w.targets, Probe: w.probe}
		ctx, cancel := context.WithCancel(t.Context())
		news := make(chan struct{}, 10)
		done := make(chan struct{})
		go func() {
			m.Watch(ctx, func() { news <- struct{}{} })
			close(done)
		}()
		time.Sleep(time.Minute)
		require.Empty(t, news)
		w.set("z0-1", 'u')
		time.Sleep(time.Minute)
		require.Len(t, news, 1)
		w.set("z0-1", '?')
		time.Sleep(time.Minute)
		require.Len(t, news, 2)
		cancel()
		<-done

		over, stop := context.WithCancel(t.Context())
		stop()
		(&guardrails.MinHealthy{}).Watch(over, nil) // has nothing to watch
	})
}

func TestMinHealthyProblems(t *testing.T) {
	w := newWard("hhh", "hhh")
	for _, tc := range []struct {
		story string
		guard *guardrails.MinHealthy
		want  []string
	}{
		{"sound", &guardrails.MinHealthy{Percent: 66, Targets: w.targets, Probe: w.probe}, nil},
		{"zero", &guardrails.MinHealthy{}, []string{
			"Percent is 0: want a percentage above 0 and below 100", "Probe is nil, so no health would ever be known", "Targets are none, so nothing would be looked at",
		}},
		{"all of it", &guardrails.MinHealthy{Percent: 100, Targets: w.targets, Probe: w.probe}, []string{"Percent is 100: want a percentage above 0 and below 100"}},
		{"too small a zone", &guardrails.MinHealthy{Percent: 67, PerLabel: "zone", Targets: w.targets, Probe: w.probe}, []string{
			`Percent is 67, and 67% of the 3 targets of zone "z0" is 3, rounded up, so that none of them could ever be changed`,
			`Percent is 67, and 67% of the 3 targets of zone "z1" is 3, rounded up, so that none of them could ever be changed`,
		}},
		{"names", &guardrails.MinHealthy{Percent: 10, Targets: []guardrails.Target{{Name: "a"}, {}, {Name: "a"}}, Probe: w.probe}, []string{
			"Targets[1] has no name", `Targets[2] "a" is there twice`,
		}},
		{"times", &guardrails.MinHealthy{Percent: 66, Targets: w.targets, Probe: w.probe, Settle: -1, Every: -1, Timeout: -1}, []string{
			"Settle is negative (-1ns)", "Every is negative (-1ns)", "Timeout is negative (-1ns)",
		}},
	} {
		t.Run(tc.story, func(t *testing.T) {
			require.Equal(t, tc.want, problems(tc.guard))
			err := guardrails.SelfTest(t.Context(), tc.guard)
			if tc.want == nil {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, guardrails.ErrSelfTest)
			for _, verb := range []guardrails.Verb{guardrails.Start, guardrails.Deploy, guardrails.Undo} {
				refusal(t, tc.guard, tc.guard.Check(t.Context(), change(verb, "z0-0")))
			}
		})
	}
	for _, percent := range []float64{0.001, 1, 50, 66, 90, 95, 99, 99.9} {
		m := &guardrails.MinHealthy{Percent: percent, PerLabel: "zone", Targets: make([]guardrails.Target, 2000), Probe: w.probe, UndoBlind: "x"}
		for i := range m.Targets {
			m.Targets[i].Name = strconv.Itoa(i)
		}
		require.NoError(t, m.SelfTest(t.Context()), "%v", percent)
	}
	tight := &guardrails.MinHealthy{Percent: 99.99999, Targets: make([]guardrails.Target, 1), Probe: w.probe}
	require.Error(t, tight.SelfTest(t.Context()))
}

// Whatever is tried, and whatever fails meanwhile: a change that is let through leaves
// the floor standing, or costs nothing. As long as nothing fails by itself, the floor is
// never crossed.
func TestMinHealthyProperty(t *testing.T) {
	type deed struct {
		kind, target          int
		undo                  bool
		before, begins, lasts time.Duration
	}
	rapid.Check(t, func(rt *rapid.T) {
		size := rapid.IntRange(2, 6).Draw(rt, "size")
		percent := float64(rapid.IntRange(1, 99).Draw(rt, "percent"))
		floor := (size*int(percent) + 99) / 100
		if floor >= size {
			rt.Skip("nothing could be changed")
		}
		calm := rapid.Bool().Draw(rt, "nothing fails by itself")
		seconds := func(most int, what string) time.Duration {
			return time.Duration(rapid.IntRange(0, most*10).Draw(rt, what)) * time.Second / 10
		}
		deeds := make([]deed, rapid.IntRange(1, 25).Draw(rt, "deeds"))
		for i := range deeds {
			deeds[i] = deed{
				kind: rapid.IntRange(0, 3).Draw(rt, "kind"), target: rapid.IntRange(0, 2*size-1).Draw(rt, "target"), undo: rapid.Bool().Draw(rt, "undo"),
				before: seconds(6, "before"), begins: seconds(9, "begins"), lasts: seconds(15, "lasts"),
			}
		}
		fault := ""
		synctest.Test(t, func(t *testing.T) {
			const settle, every = 10 * time.Second, time.Second
			type host struct {
				failed, unknown bool
				from, to        time.Time // down while changed
				lastDown        time.Time
			}
			hosts := make([]host, 2*size)
			var mu sync.Mutex
			up := func(i int, at time.Time) bool {
				h := &hosts[i]
				return !h.failed && (at.Before(h.from) || !at.Before(h.to))
			}
			m := &guardrails.MinHealthy{Percent: percent, PerLabel: "zone", Settle: settle, Every: every}
			for i := range hosts {
				m.Targets = append(m.Targets, guardrails.Target{Name: strconv.Itoa(i), Labels: map[string]string{"zone": strconv.Itoa(i / size)}})
			}
			m.Probe = func(_ context.Context, target guardrails.Target) (bool, error) {
				mu.Lock()
				defer mu.Unlock()
				i, _ := strconv.Atoi(target.Name)
				if hosts[i].unknown {
					return i%2 == 0, errors.New("unknown")
				}
				healthy := up(i, time.Now())
				if !healthy {
					hosts[i].lastDown = time.Now()
				}
				return healthy, nil
			}
			for _, d := range deeds {
				time.Sleep(d.before)
				mu.Lock()
				switch {
				case d.kind == 0 && !calm:
					hosts[d.target].failed = !hosts[d.target].failed
				case d.kind == 1:
					hosts[d.target].unknown = !hosts[d.target].unknown
				}
				mu.Unlock()
				if d.kind <= 1 {
					time.Sleep(2*every + time.Millisecond) // what was asked before is too old now
					continue
				}
				verb := guardrails.Deploy
				if d.undo {
					verb = guardrails.Undo
				}
				if m.Check(t.Context(), change(verb, strconv.Itoa(d.target))) != nil {
					continue
				}
				mu.Lock()
				now := time.Now()
				others := 0
				for i := range hosts {
					if i != d.target && i/size == d.target/size && up(i, now) && !(now.Before(hosts[i].from)) {
						others++
					}
				}
				h := &hosts[d.target]
				costless := !h.lastDown.IsZero() && now.Sub(h.lastDown) <= 2*every
				if others < floor && !costless {
					fault = fmt.Sprintf("%d was let through, and %d of %d stay up; the floor is %d", d.target, others, size, floor)
				}
				if up(d.target, now) && !now.Before(h.to) {
					h.from, h.to = now.Add(d.begins), now.Add(d.begins+d.lasts)
				}
				mu.Unlock()
				if calm {
					for zone := range 2 {
						n := 0
						for i := zone * size; i < (zone+1)*size; i++ {
							if up(i, now) {
								n++
							}
						}
						if n < floor {
							fault = fmt.Sprintf("%d of %d are up in zone %d, and nothing failed; the floor is %d", n, size, zone, floor)
						}
					}
				}
			}
			time.Sleep(time.Minute)
		})
		if fault != "" {
			rt.Fatal(fault)
		}
	})
}

// A floor of two thirds of each zone, on the way forward and back.
func ExampleMinHealthy() {
	health := map[string]bool{"a1": true, "a2": true, "a3": true, "a4": false}
	guard := &guardrails.MinHealthy{
		Percent: 66, PerLabel: "zone",
		Probe: func(_ context.Context, target guardrails.Target) (bool, error) { return health[target.Name], nil },
	}
	for _, name := range []string{"a1", "a2", "a3", "a4"} {
		guard.Targets = append(guard.Targets, guardrails.Target{Name: name, Labels: map[string]string{"zone": "a"}})
	}
	for _, target := range []string{"a1", "a4"} {
		breach := guardrails.Check(context.Background(), []guardrails.Guard{guard}, guardrails.Action{Verb: guardrails.Deploy, Target: target})
		if breach == nil {
			fmt.Println(target, "go on")
			continue
		}
		fmt.Println(target, breach.Consequence, "-", breach.Reason)
	}
	// Output:
	// a1 hold - without a1, 2 of 4 targets of zone "a" would be able to serve
	// a4 go on
}
