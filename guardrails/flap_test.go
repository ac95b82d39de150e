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
	"pgregory.net/rapid"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/guardrails"
)

var (
	_ guardrails.Watcher    = (*guardrails.Flap)(nil)
	_ guardrails.Namer      = (*guardrails.Flap)(nil)
	_ guardrails.SelfTester = (*guardrails.Flap)(nil)
	_ analysis.Problemer    = (*guardrails.Flap)(nil)
)

// Cloudflare, November 2025: every five minutes a file is made, good or bad by turns, and
// goes to every machine. Bad ones are taken back, and the next good one looks like the
// end of it.
func TestFlapStopsTheGenerator(t *testing.T) {
	run := func(guards ...guardrails.Guard) (outages int) {
		for generation := range 36 { // three hours
			if guardrails.Check(t.Context(), guards, guardrails.Action{Verb: guardrails.Start}) != nil {
				continue
			}
			good := generation < 3 || generation%2 == 0
			if !good {
				outages++
			}
			for _, g := range guards {
				g.(*guardrails.Flap).Observe(good)
			}
		}
		return outages
	}
	require.Equal(t, 1, run(&guardrails.Flap{}))
	require.Equal(t, 17, run(), "and without it")
}

// feed observes "g" and "b".
func feed(f *guardrails.Flap, verdicts string) {
	for _, v := range verdicts {
		f.Observe(v == 'g')
	}
}

func TestFlap(t *testing.T) {
	for _, tc := range []struct {
		story    string
		flap     *guardrails.Flap
		verdicts string
		evidence string // empty: let through
	}{
		{"nothing yet", &guardrails.Flap{}, "", ""},
		{"all good", &guardrails.Flap{}, "gggggggggggg", ""},
		{"all bad is not flapping", &guardrails.Flap{}, "bbbb", ""},
		{"one fault", &guardrails.Flap{}, "gggb", ""},
		{"one fault that stays", &guardrails.Flap{}, "gggbbbbb", ""},
		{"a repair", &guardrails.Flap{}, "bbbg", ""},
		{"good, bad, good", &guardrails.Flap{}, "gbg", "2 reversals within 3 generations: good, bad, good; the most is 1, since 2000-01-01T00:00:00Z"},
		{"and later all good", &guardrails.Flap{}, "gbgggggggggggggggg", "2 reversals within 3 generations: good, bad, good; the most is 1, since 2000-01-01T00:00:00Z"},
		{"bad, good, bad", &guardrails.Flap{}, "bbgb", "2 reversals within 4 generations: bad, bad, good, bad; the most is 1, since 2000-01-01T00:00:00Z"},
		{"far apart", &guardrails.Flap{}, "gbbbbbbbbbg", ""},
		{"not far enough", &guardrails.Flap{}, "gbbbbbbbbg", "2 reversals within 10 generations: good, bad, bad, bad, bad, bad, bad, bad, bad, good; the most is 1, since 2000-01-01T00:00:00Z"},
		{"with more patience", &guardrails.Flap{Reversals: 3}, "gbg", ""},
		{"which ends", &guardrails.Flap{Reversals: 3}, "gbgb", "3 reversals within 4 generations: good, bad, good, bad; the most is 2, since 2000-01-01T00:00:00Z"},
		{"a long story", &guardrails.Flap{Reversals: 2, Generations: 30}, "g" + strings.Repeat("b", 24) + "g",
			"2 reversals within 26 generations: …, " + strings.Repeat("bad, ", 19) + "good; the most is 1, since 2000-01-01T00:00:00Z"},
		{"one reversal is too many", &guardrails.Flap{Reversals: 1}, "gb", "1 reversals within 2 generations: good, bad; the most is 0, since 2000-01-01T00:00:00Z"},
		{"what could never latch", &guardrails.Flap{Reversals: 10}, "", "Reversals is 10, Generations is 10"},
	} {
		t.Run(tc.story, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				feed(tc.flap, tc.verdicts)
				for _, verb := range []guardrails.Verb{guardrails.Undo, guardrails.Recover} {
					require.NoError(t, tc.flap.Check(t.Context(), guardrails.Action{Verb: verb}))
				}
				for _, verb := range []guardrails.Verb{guardrails.Unknown, guardrails.Start, guardrails.Deploy, guardrails.Bake, 99} {
					err := tc.flap.Check(t.Context(), guardrails.Action{Verb: verb})
					if tc.evidence == "" {
						require.NoError(t, err)
						continue
					}
					b := refusal(t, tc.flap, err)
					require.Equal(t, tc.evidence, b.Evidence)
					require.True(t, b.Cap)
				}
			})
		})
	}
}

func TestFlapReset(t *testing.T) {
	f := &guardrails.Flap{}
	feed(f, "gbg")
	deploy := guardrails.Action{Verb: guardrails.Deploy}
	require.ErrorIs(t, f.Reset("alice", " "), guardrails.ErrUnsigned)
	require.Error(t, f.Check(t.Context(), deploy))
	require.NoError(t, f.Reset("alice", "the query is mended"))
	require.NoError(t, f.Check(t.Context(), deploy))
	require.NoError(t, f.Reset("bob", "twice"), "which does nothing")
	feed(f, "bg")
	require.NoError(t, f.Check(t.Context(), deploy), "the verdicts of before are forgotten")
	feed(f, "b")
	require.Error(t, f.Check(t.Context(), deploy))
	var said []string
	for _, r := range f.Records() {
		said = append(said, fmt.Sprint(r.Tripped, " ", r.Actor, ": ", r.Reason))
	}
	require.Equal(t, []string{
		"true flap: 2 reversals within 3 generations: good, bad, good; the most is 1", "false alice: the query is mended",
		"true flap: 2 reversals within 3 generations: bad, good, bad; the most is 1",
	}, said)
	for range 1200 {
		require.NoError(t, f.Reset("alice", "again"))
		feed(f, "gbg")
	}
	require.Len(t, f.Records(), 1000)
}

func TestFlapLatest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		generation, good, fault := "1", true, error(nil)
		set := func(g string, ok bool, err error) {
			mu.Lock()
			defer mu.Unlock()
			generation, good, fault = g, ok, err
		}
		f := &guardrails.Flap{Latest: func(context.Context) (string, bool, error) {
			mu.Lock()
			defer mu.Unlock()
			return generation, good, fault
		}, Every: time.Second}
		deploy := guardrails.Action{Verb: guardrails.Deploy}
		for range 20 {
			require.NoError(t, f.Check(t.Context(), deploy), "one generation counts once")
			time.Sleep(time.Minute)
		}
		set("", false, errors.New("no route to host"))
		b := refusal(t, f, f.Check(t.Context(), deploy))
		require.False(t, b.Cap)
		require.Equal(t, "no route to host", b.Evidence)

		ctx, cancel := context.WithCancel(t.Context())
		news, done := make(chan struct{}, 10), make(chan struct{})
		go func() {
			f.Watch(ctx, func() { news <- struct{}{} })
			close(done)
		}()
		for i, v := range []bool{true, false, true} {
			set(fmt.Sprint(i+2), v, nil)
			time.Sleep(5 * time.Second)
		}
		require.NotEmpty(t, news)
		require.Contains(t, refusal(t, f, f.Check(t.Context(), deploy)).Evidence, "2 reversals within 4 generations: good, good, bad, good; the most is 1")
		cancel()
		<-done

		over, stop := context.WithCancel(t.Context())
		stop()
		(&guardrails.Flap{}).Watch(over, nil) // has nothing to watch
	})
}

// The verdict of a generation that changes is another one.
func TestFlapOfOneGeneration(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		f := &guardrails.Flap{Latest: func(context.Context) (string, bool, error) { asked++; return "", asked%2 == 0, nil }}
		deploy := guardrails.Action{Verb: guardrails.Deploy}
		require.NoError(t, f.Check(t.Context(), deploy))
		time.Sleep(time.Minute)
		require.NoError(t, f.Check(t.Context(), deploy))
		time.Sleep(time.Minute)
		require.Error(t, f.Check(t.Context(), deploy))
	})
}

func TestFlapProblems(t *testing.T) {
	for _, sound := range []*guardrails.Flap{{}, {Reversals: 3, Generations: 4}, {Reversals: 1, Generations: 2}} {
		require.Empty(t, problems(sound))
		require.NoError(t, sound.SelfTest(t.Context()))
		require.Empty(t, sound.Records(), "a self-test does not latch it")
	}
	for _, tc := range []struct {
		flap *guardrails.Flap
		want []string
	}{
		{&guardrails.Flap{Reversals: 1000}, []string{"Reversals is 1000, and among 10 generations there are 9 at the most, so nothing would ever be latched"}},
		{&guardrails.Flap{Generations: 2}, []string{"Reversals is 2, and among 2 generations there are 1 at the most, so nothing would ever be latched"}},
		{&guardrails.Flap{Reversals: -1, Generations: -1, Every: -1, Timeout: -1}, []string{
			"Reversals is negative (-1)", "Generations is negative (-1)", "Every is negative (-1ns)", "Timeout is negative (-1ns)",
		}},
	} {
		require.Equal(t, tc.want, problems(tc.flap))
		require.ErrorIs(t, guardrails.SelfTest(t.Context(), tc.flap), guardrails.ErrSelfTest)
	}
}

// Latched once and for all when so many of the last verdicts differ from the one before.
func TestFlapProperty(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		f := &guardrails.Flap{Generations: rapid.IntRange(2, 8).Draw(rt, "generations")}
		f.Reversals = rapid.IntRange(1, f.Generations-1).Draw(rt, "reversals")
		var all []bool
		latched := false
		for _, good := range rapid.SliceOf(rapid.Bool()).Draw(rt, "verdicts") {
			all = append(all, good)
			f.Observe(good)
			n := 0
			for i := max(1, len(all)-f.Generations+1); i < len(all); i++ {
				if all[i] != all[i-1] {
					n++
				}
			}
			latched = latched || n >= f.Reversals
			if err := f.Check(context.Background(), guardrails.Action{}); (err != nil) != latched {
				rt.Fatalf("%v: %v", all, err)
			}
		}
	})
}

// A generator whose files are good and bad by turns is stopped until a human has looked.
func ExampleFlap() {
	guard := &guardrails.Flap{}
	start := guardrails.Action{Verb: guardrails.Start}
	for _, good := range []bool{true, false, true} {
		guard.Observe(good)
		fmt.Println(guard.Check(context.Background(), start) == nil)
	}
	fmt.Println(guard.Reset("alice", "all nodes run the same query now"))
	fmt.Println(guard.Check(context.Background(), start) == nil)
	// Output:
	// true
	// true
	// false
	// <nil>
	// true
}
