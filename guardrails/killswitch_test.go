package guardrails_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/guardrails"
)

var (
	_ guardrails.Watcher = (*guardrails.KillSwitch)(nil)
	_ guardrails.Namer   = (*guardrails.KillSwitch)(nil)
	_ analysis.Problemer = (*guardrails.KillSwitch)(nil)
)

// dial is a source that says what a test sets it to.
type dial struct {
	mu      sync.Mutex
	reason  string // not empty: tripped
	err     error
	deaf    chan struct{} // not nil: Read waits for it, whatever its ctx says
	slow    bool          // Read waits until its ctx is done
	linger  time.Duration // and so long after that
	reads   int
	running int
}

func (d *dial) Name() string { return "dial" }

func (d *dial) Read(ctx context.Context) (bool, string, error) {
	d.mu.Lock()
	d.reads++
	d.running++
	deaf, slow, linger := d.deaf, d.slow, d.linger
	d.mu.Unlock()
	if deaf != nil {
		<-deaf
	}
	if slow {
		<-ctx.Done()
		time.Sleep(linger)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.running--
	if slow {
		return false, "", context.Cause(ctx)
	}
	return d.reason != "", d.reason, d.err
}

func (d *dial) set(change func(*dial)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	change(d)
}

func (d *dial) count() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.reads
}

func (d *dial) trip(reason string) { d.set(func(d *dial) { d.reason, d.err = reason, nil }) }
func (d *dial) clear()             { d.trip("") }
func (d *dial) fail(text string)   { d.set(func(d *dial) { d.err = errors.New(text) }) }

// check asks a switch about a verb and returns its breach, nil for none.
func check(t *testing.T, k *guardrails.KillSwitch, verb guardrails.Verb) *guardrails.Breach {
	t.Helper()
	err := k.Check(t.Context(), guardrails.Action{Verb: verb})
	if err == nil {
		return nil
	}
	var b *guardrails.Breach
	require.ErrorAs(t, err, &b)
	require.NotNil(t, b)
	require.Equal(t, "kill-switch", b.Guard)
	require.True(t, b.Cap, "no override may lift it")
	require.NotEmpty(t, b.Runbook)
	return b
}

var verbs = []guardrails.Verb{guardrails.Unknown, guardrails.Start, guardrails.Deploy, guardrails.Bake, guardrails.Undo, guardrails.Recover}

func TestKillSwitchZeroValueHaltsEveryVerb(t *testing.T) {
	var k guardrails.KillSwitch
	for _, v := range verbs {
		require.Nil(t, check(t, &k, v))
	}
	require.False(t, k.Tripped())
	require.NoError(t, k.Trip("alice", "orders are down"))
	require.True(t, k.Tripped())
	for _, v := range verbs {
		b := check(t, &k, v)
		require.Equal(t, guardrails.Halt, b.Consequence, v)
		require.Equal(t, "the kill switch is tripped by alice: orders are down", b.Reason)
	}
}

func TestKillSwitchOfModeRollbackLetsTheWayBackPass(t *testing.T) {
	down := &dial{}
	down.fail("no route")
	for name, k := range map[string]*guardrails.KillSwitch{
		"tripped": {Mode: guardrails.Rollback},
		"unread":  {Mode: guardrails.Rollback, Sources: []guardrails.SwitchSource{down}},
	} {
		want := guardrails.Hold
		if name == "tripped" {
			want = guardrails.Rollback
			require.NoError(t, k.Trip("alice", "orders are down"))
		}
		for _, v := range verbs {
			b := check(t, k, v)
			if v.Backward() {
				require.Nil(t, b, "%s %v", name, v)
				continue
			}
			require.Equal(t, want, b.Consequence, "%s %v", name, v)
		}
	}
}

func TestKillSwitchNeedsActorAndReason(t *testing.T) {
	var k guardrails.KillSwitch
	for _, who := range [][2]string{{"", ""}, {"alice", ""}, {"", "because"}, {"alice", " \n\t"}, {"\x00", "because"}} {
		require.ErrorIs(t, k.Trip(who[0], who[1]), guardrails.ErrUnsigned)
		require.False(t, k.Tripped())
	}
	require.NoError(t, k.Trip("alice", "because"))
	for _, who := range [][2]string{{"", ""}, {"alice", ""}, {"", "because"}} {
		require.ErrorIs(t, k.Reset(who[0], who[1]), guardrails.ErrUnsigned)
		require.True(t, k.Tripped())
	}
}

func TestKillSwitchKeepsRecords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var k guardrails.KillSwitch
		begin := time.Now().UTC()
		require.NoError(t, k.Reset("carol", "nothing to reset"))
		require.NoError(t, k.Trip("alice", "orders\n\x1b[31m are down"))
		time.Sleep(time.Minute)
		require.NoError(t, k.Trip("bob", "errors too"))
		require.Contains(t, check(t, &k, guardrails.Deploy).Reason, "alice: orders [31m are down", "the first trip stays the cause")
		time.Sleep(time.Minute)
		require.NoError(t, k.Reset("carol", "fixed"))
		require.False(t, k.Tripped())
		require.Nil(t, check(t, &k, guardrails.Deploy))
		require.Equal(t, []guardrails.SwitchRecord{
			{At: begin, Tripped: true, Actor: "alice", Reason: "orders [31m are down"},
			{At: begin.Add(time.Minute), Tripped: true, Actor: "bob", Reason: "errors too"},
			{At: begin.Add(2 * time.Minute), Actor: "carol", Reason: "fixed"},
		}, k.Records())
	})
}

func TestKillSwitchRecordsAreBounded(t *testing.T) {
	var k guardrails.KillSwitch
	for i := range 2500 {
		require.NoError(t, k.Trip("loop", fmt.Sprint("no. ", i)))
	}
	records := k.Records()
	require.Len(t, records, 1000)
	require.Equal(t, "no. 2499", records[999].Reason)
	require.Contains(t, check(t, &k, guardrails.Deploy).Reason, "no. 0")
	require.NoError(t, k.Trip("loop", strings.Repeat("ä", 5000)))
	require.LessOrEqual(t, len(k.Records()[999].Reason), 1024)
}

// A story is what happens to a switch with one source, nobody watching it.
func TestKillSwitchStories(t *testing.T) {
	type step struct {
		after time.Duration
		do    func(*guardrails.KillSwitch, *dial) error
		want  string // of the check that follows, empty: let through
	}
	set := func(change func(*dial)) func(*guardrails.KillSwitch, *dial) error {
		return func(_ *guardrails.KillSwitch, d *dial) error { change(d); return nil }
	}
	trip, clearIt := set(func(d *dial) { d.reason, d.err = "bad orders", nil }), set((*dial).clear)
	fail := set(func(d *dial) { d.fail("no route") })
	nothing := set(func(*dial) {})
	reset := func(k *guardrails.KillSwitch, _ *dial) error { return k.Reset("carol", "fixed") }
	refused := func(want string) func(*guardrails.KillSwitch, *dial) error {
		return func(k *guardrails.KillSwitch, _ *dial) error {
			err := k.Reset("carol", "fixed")
			if !errors.Is(err, guardrails.ErrStillTripped) || !strings.Contains(err.Error(), want) {
				return fmt.Errorf("reset says %v, want %q", err, want)
			}
			return nil
		}
	}
	const tripped = "halt: the kill switch is tripped by dial: bad orders"
	for story, tc := range map[string]struct {
		failOpen string
		steps    []step
	}{
		"a check reads a source that nobody watches": {"", []step{
			{0, nothing, ""},
			{time.Second, trip, tripped},
		}},
		"what was read within Every is not read again": {"", []step{
			{0, nothing, ""},
			{999 * time.Millisecond, trip, ""},
			{time.Millisecond, nothing, tripped},
		}},
		"it is latched, and a source that clears changes nothing": {"", []step{
			{0, trip, tripped},
			{time.Hour, clearIt, tripped},
			{time.Hour, reset, ""},
			{time.Hour, nothing, ""},
		}},
		"a source that still says trip refuses a reset": {"", []step{
			{0, trip, tripped},
			{0, refused(`dial says "bad orders"`), tripped},
			{time.Minute, refused(`dial says "bad orders"`), tripped},
			{0, clearIt, tripped},
			{0, reset, ""},
		}},
		"a source that can't be read refuses a reset": {"", []step{
			{0, trip, tripped},
			{0, clearIt, tripped},
			{0, clearIt, tripped},
			{0, fail, tripped},
			{0, refused(`dial said "bad orders" when it last answered, and can't be read now: no route`), tripped},
			{time.Hour, clearIt, tripped},
			{0, reset, ""},
			{0, fail, ""},
			{0, func(k *guardrails.KillSwitch, _ *dial) error { return k.Trip("alice", "stop") }, "halt: the kill switch is tripped by alice: stop"},
			{0, refused("dial can't be read: no route"), "halt: the kill switch is tripped by alice: stop"},
		}},
		"a source that was never read holds, then trips": {"", []step{
			{0, fail, "hold: nobody knows whether dial says trip: no route"},
			{9 * time.Second, nothing, "hold: nobody knows whether dial says trip: no route"},
			{time.Second, nothing, "halt: the kill switch is tripped by dial: it can't be read, for 10s now: no route"},
			{time.Second, clearIt, "halt: the kill switch is tripped by dial: it can't be read, for 10s now: no route"},
			{0, reset, ""},
		}},
		"a fault within the grace lets things pass": {"", []step{
			{0, nothing, ""},
			{time.Second, fail, ""},
			{8 * time.Second, nothing, ""},
			{time.Second, clearIt, ""},
			{5 * time.Second, fail, ""},
			{5 * time.Second, nothing, ""},
		}},
		"after the grace it trips": {"", []step{
			{0, nothing, ""},
			{time.Second, fail, ""},
			{9 * time.Second, nothing, ""},
			{time.Second, nothing, "halt: the kill switch is tripped by dial: it can't be read, for 10s now: no route"},
		}},
		"one fault after a long time of no checks holds, and does not trip": {"", []step{
			{0, nothing, ""},
			{time.Hour, fail, "hold: nobody knows whether dial says trip, its last answer is 1h0m0s old: no route"},
			{time.Second, clearIt, ""},
		}},
		"a source that hangs delays one check by Every, then counts as failed": {"", []step{
			{0, nothing, ""},
			{time.Second, set(func(d *dial) { d.slow = true }), ""},
			{9 * time.Second, nothing, "halt: the kill switch is tripped by dial: it can't be read, for 11s now: no answer in time"},
		}},
		"fail open passes what nobody knows": {"the store is best effort", []step{
			{0, fail, ""},
			{time.Hour, nothing, ""},
			{time.Hour, trip, tripped},
			{0, clearIt, tripped},
			{0, fail, tripped},
			{0, refused(`dial said "bad orders" when it last answered, and can't be read now: no route`), tripped},
			{0, clearIt, tripped},
			{0, reset, ""},
			{time.Hour, func(k *guardrails.KillSwitch, d *dial) error { d.fail("no route"); return k.Trip("alice", "stop") },
				"halt: the kill switch is tripped by alice: stop"},
			{0, reset, ""},
		}},
	} {
		t.Run(story, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := &dial{}
				k := &guardrails.KillSwitch{Sources: []guardrails.SwitchSource{d}, FailOpen: tc.failOpen}
				for i, s := range tc.steps {
					time.Sleep(s.after)
					require.NoError(t, s.do(k, d), "step %d", i+1)
					got := ""
					if b := check(t, k, guardrails.Deploy); b != nil {
						got = b.Consequence.String() + ": " + b.Reason
					}
					require.Equal(t, s.want, got, "step %d", i+1)
				}
			})
		})
	}
}

// A trip that comes while a reset looks at the sources is not lost.
func TestKillSwitchTripDuringReset(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		d := &dial{}
		k := &guardrails.KillSwitch{Sources: []guardrails.SwitchSource{d}}
		require.NoError(t, k.Trip("alice", "orders are down"))
		d.set(func(d *dial) { d.deaf = release })
		refused := make(chan error, 1)
		go func() { refused <- k.Reset("carol", "fixed") }()
		synctest.Wait()
		require.NoError(t, k.Trip("bob", "not at all"))
		close(release)
		require.ErrorContains(t, <-refused, "bob tripped it again meanwhile: not at all")
		require.True(t, k.Tripped())
	})
}

func TestKillSwitchBoundsItsSettings(t *testing.T) {
	for _, tc := range []struct {
		grace, every time.Duration
		first, later time.Duration // what a check of a source that hangs waits, before it has ever answered and after
	}{
		{0, 0, time.Second, time.Second},
		{0, time.Hour, time.Second, time.Second},
		{0, 250 * time.Millisecond, time.Second, 250 * time.Millisecond},
		{0, 1, time.Second, 10 * time.Millisecond},
		{-1, -1, time.Second, time.Second},
		{time.Second, 0, 500 * time.Millisecond, 500 * time.Millisecond},
		{1, 0, 10 * time.Millisecond, 10 * time.Millisecond},
	} {
		synctest.Test(t, func(t *testing.T) {
			d := &dial{slow: true}
			k := &guardrails.KillSwitch{Sources: []guardrails.SwitchSource{d}, Grace: tc.grace, Every: tc.every}
			begin := time.Now()
			require.NotNil(t, check(t, k, guardrails.Deploy))
			require.Equal(t, tc.first, time.Since(begin), "%+v", tc)

			d = &dial{}
			k = &guardrails.KillSwitch{Sources: []guardrails.SwitchSource{d}, Grace: tc.grace, Every: tc.every}
			require.Nil(t, check(t, k, guardrails.Deploy))
			d.set(func(d *dial) { d.slow = true })
			time.Sleep(time.Second) // until the answer is old
			begin = time.Now()
			_ = k.Check(t.Context(), guardrails.Action{Verb: guardrails.Deploy})
			require.Equal(t, tc.later, time.Since(begin), "%+v", tc)
		})
	}
}

func TestKillSwitchProblems(t *testing.T) {
	for _, tc := range []struct {
		k    *guardrails.KillSwitch
		want []string
	}{
		{&guardrails.KillSwitch{}, nil},
		{&guardrails.KillSwitch{Mode: guardrails.Rollback, Every: time.Second, Grace: 2 * time.Second, Sources: []guardrails.SwitchSource{guardrails.File("stop")}}, nil},
		{&guardrails.KillSwitch{Every: 100 * time.Millisecond, Grace: 200 * time.Millisecond}, nil},
		{&guardrails.KillSwitch{Mode: 7, Sources: []guardrails.SwitchSource{nil}, Every: time.Minute, Grace: time.Second}, []string{
			"Mode is consequence(7), which does not exist",
			"Sources[0] is nil, so it could never be read",
			"Every is 1m0s: want 10ms to 1s",
			"Grace is 1s: want at least 2s, twice the time between two reads",
		}},
		{&guardrails.KillSwitch{Every: -1, Grace: -1}, []string{
			"Every is -1ns: want 10ms to 1s",
			"Grace is -1ns: want at least 2s, twice the time between two reads",
		}},
	} {
		require.Equal(t, tc.want, problems(tc.k))
	}
}

// A mode that does not exist halts.
func TestKillSwitchUnknownModeHalts(t *testing.T) {
	k := &guardrails.KillSwitch{Mode: 7}
	require.NoError(t, k.Trip("alice", "stop"))
	require.Equal(t, guardrails.Halt, check(t, k, guardrails.Undo).Consequence)
}

func TestKillSwitchSelfTest(t *testing.T) {
	for _, mode := range []guardrails.Consequence{guardrails.Hold, guardrails.Halt, guardrails.Rollback} {
		source := &dial{}
		k := &guardrails.KillSwitch{Mode: mode, Sources: []guardrails.SwitchSource{source}}
		require.NoError(t, k.SelfTest(t.Context()))
		require.False(t, k.Tripped())
		require.Empty(t, k.Records(), "it is not touched")
		require.Zero(t, source.count(), "nor is its source")
	}
	tripped := &guardrails.KillSwitch{}
	require.NoError(t, tripped.Trip("alice", "stop"))
	require.NoError(t, tripped.SelfTest(t.Context()))
	require.True(t, tripped.Tripped())
	require.ErrorIs(t, guardrails.SelfTest(t.Context(), &guardrails.KillSwitch{Mode: 99}), guardrails.ErrSelfTest)
}
