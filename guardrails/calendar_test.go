package guardrails_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/guardrails"
)

var (
	_ guardrails.SelfTester = (*guardrails.Calendar)(nil)
	_ guardrails.Watcher    = (*guardrails.Calendar)(nil)
	_ guardrails.Namer      = (*guardrails.Calendar)(nil)
	_ analysis.Problemer    = (*guardrails.Calendar)(nil)
)

// officeHours are those of Berlin.
func officeHours() guardrails.Window {
	return guardrails.Window{
		Name: "office hours", Zone: "Europe/Berlin", Begin: "09:00", End: "17:00",
		Days: []time.Weekday{time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday},
	}
}

// sleepUntil lets the bubble's time pass until then.
func sleepUntil(t testing.TB, when string) {
	t.Helper()
	at, err := time.Parse(time.RFC3339, when)
	require.NoError(t, err)
	require.False(t, at.Before(time.Now()), "time only goes forward: %s", when)
	time.Sleep(time.Until(at))
}

// no returns a guard's breach, nil if there is none.
func no(t testing.TB, g guardrails.Guard, act guardrails.Action) *guardrails.Breach {
	t.Helper()
	err := g.Check(t.Context(), act)
	if err == nil {
		return nil
	}
	var b *guardrails.Breach
	require.ErrorAs(t, err, &b)
	require.NotEmpty(t, b.Reason)
	require.NotEmpty(t, b.Runbook)
	require.Equal(t, guardrails.Name(g), b.Guard)
	return b
}

// alwaysPass are verbs that no guard but a kill switch may hold.
var alwaysPass = []guardrails.Verb{guardrails.Undo, guardrails.Recover}

// Datadog, 8 March 2023: an update that came between 06:00 and 07:00 UTC everywhere
// took the network off hosts in all regions at once. With a calendar for each region,
// whose windows do not overlap, it takes it off those of one.
func TestCalendarIncident(t *testing.T) {
	regions := map[string]*guardrails.Calendar{}
	for i, region := range []string{"us1", "us3", "us5", "eu1", "ap1"} {
		regions[region] = &guardrails.Calendar{Open: []guardrails.Window{{
			Name: region, Zone: "UTC", Days: []time.Weekday{time.Wednesday}, Begin: fmt.Sprintf("%02d:00", 6+i), End: fmt.Sprintf("%02d:00", 7+i),
		}}}
	}
	// Unattended, hosts of all regions update themselves, each at its own minute. The
	// alarm goes off three minutes after the first lost host, and stops it all.
	broken := func(t *testing.T, guarded bool) (broken map[string]int) {
		broken = map[string]int{}
		synctest.Test(t, func(t *testing.T) {
			sleepUntil(t, "2023-03-08T06:00:00Z")
			for range 60 {
				for region, calendar := range regions {
					if !guarded || calendar.Check(t.Context(), guardrails.Action{Verb: guardrails.Deploy, Labels: map[string]string{"region": region}}) == nil {
						broken[region]++
					}
				}
				time.Sleep(time.Minute)
				if time.Now().Minute() == 3 {
					return
				}
			}
		})
		return broken
	}
	require.Len(t, broken(t, false), 5, "without the guard all regions are hit")
	regionsHit := broken(t, true)
	require.Equal(t, map[string]int{"us1": 3}, regionsHit)
}

func TestCalendar(t *testing.T) {
	yearEnd := guardrails.Window{
		Name: "end of year", From: time.Date(2026, 12, 20, 0, 0, 0, 0, time.UTC), To: time.Date(2027, 1, 4, 8, 30, 0, 0, time.UTC),
	}
	office := &guardrails.Calendar{Open: []guardrails.Window{officeHours()}, Frozen: []guardrails.Window{yearEnd}}
	frozen := &guardrails.Calendar{Frozen: []guardrails.Window{yearEnd}}
	fits := &guardrails.Calendar{Open: office.Open, Frozen: office.Frozen, MustFit: true}
	night := &guardrails.Calendar{Open: []guardrails.Window{
		{Zone: "UTC", Days: []time.Weekday{time.Saturday}, Begin: "22:00", End: "02:00"},
		{Zone: "UTC", Days: []time.Weekday{time.Sunday}, Begin: "02:00", End: "24:00"},
	}}
	start := func(long time.Duration) guardrails.Action {
		return guardrails.Action{Verb: guardrails.Start, Longest: long}
	}
	deploy := guardrails.Action{Verb: guardrails.Deploy}
	for _, tc := range []struct {
		story    string
		calendar *guardrails.Calendar
		at       string
		act      guardrails.Action
		reason   string // empty: it passes
		evidence string
	}{
		{"in the office", office, "2026-12-01T10:00:00Z", deploy, "", ""},
		{"as it opens", office, "2026-12-01T08:00:00Z", deploy, "", ""},
		{"a second before", office, "2026-12-01T07:59:59Z", deploy, "it is outside of the windows for changes", "now Tue 08:59 CET; opens Tue 09:00 CET, in 1s"},
		{"a moment before it closes", office, "2026-12-01T15:59:59Z", deploy, "", ""},
		{"as it closes", office, "2026-12-01T16:00:00Z", deploy, "it is outside of the windows for changes", "now Tue 17:00 CET; opens Wed 09:00 CET, in 16h"},
		{"on Friday evening", office, "2026-12-04T18:00:00Z", deploy, "it is outside of the windows for changes", "now Fri 19:00 CET; opens Mon 09:00 CET, in 2d14h"},
		{"in summer it is an hour earlier", office, "2026-07-01T07:00:00Z", deploy, "", ""},
		{"over the change to summer time", office, "2026-03-28T12:00:00Z", deploy, "it is outside of the windows for changes", "now Sat 13:00 CET; opens Mon 09:00 CEST, in 1d19h"},
		{"frozen", office, "2026-12-21T10:00:00Z", deploy, "changes are frozen: end of year", "now Mon 11:00 CET; opens Mon 4 Jan 09:30 CET, in 13d23h"},
		{"frozen, and it opens in the middle of a window", office, "2027-01-04T08:29:30Z", deploy, "changes are frozen: end of year", "now Mon 09:29 CET; opens Mon 09:30 CET, in 30s"},
		{"no windows but a freeze", frozen, "2026-12-19T23:59:59Z", deploy, "", ""},
		{"which has begun", frozen, "2026-12-20T00:00:00Z", deploy, "changes are frozen: end of year", "now Sun 00:00 UTC; opens Mon 4 Jan 08:30 UTC, in 15d9h"},
		{"and ended", frozen, "2027-01-04T08:30:00Z", deploy, "", ""},
		{"past midnight", night, "2026-12-06T01:59:59Z", deploy, "", ""},
		{"windows that touch are one", night, "2026-12-06T02:00:00Z", deploy, "", ""},
		{"24:00 is the end of the day", night, "2026-12-06T23:59:59Z", deploy, "", ""},
		{"and not later", night, "2026-12-07T00:00:00Z", deploy, "it is outside of the windows for changes", "now Mon 00:00 UTC; opens Sat 22:00 UTC, in 5d22h"},
		{"it fits", fits, "2026-12-01T10:00:00Z", start(6 * time.Hour), "", ""},
		{"it fits not", fits, "2026-12-01T10:00:00Z", start(6*time.Hour + 1), "it may take 6h1m, and the window closes in 6h", "now Tue 11:00 CET; opens Wed 09:00 CET, in 22h"},
		{"it fits not even when it opens", fits, "2026-12-01T10:00:00Z", start(9 * time.Hour), "it may take 9h, and the window closes in 6h", "now Tue 10:00 UTC; does not open within 400 days for so long"},
		{"nobody knows how long it takes", fits, "2026-12-01T10:00:00Z", start(0), "nobody knows how long the rollout may take, so nobody knows whether it fits", ""},
		{"what has begun need not fit any more", fits, "2026-12-01T15:59:00Z", guardrails.Action{Verb: guardrails.Deploy, Longest: time.Hour}, "", ""},
		{"a verb that is not set counts as a deploy", office, "2026-12-05T10:00:00Z", guardrails.Action{}, "it is outside of the windows for changes", "now Sat 11:00 CET; opens Mon 09:00 CET, in 1d22h"},
		{"and so does one from the future", office, "2026-12-05T10:00:00Z", guardrails.Action{Verb: 99}, "it is outside of the windows for changes", "now Sat 11:00 CET; opens Mon 09:00 CET, in 1d22h"},
		{"a bake goes on", office, "2026-12-05T10:00:00Z", guardrails.Action{Verb: guardrails.Bake}, "", ""},
		{"the zero calendar", &guardrails.Calendar{}, "2026-12-01T10:00:00Z", deploy,
			"it is not known whether changes may be made now: Open is empty, and so are Frozen, OpenFile and FrozenFile: nothing would be let through", ""},
		{"a file that is not there", &guardrails.Calendar{FrozenFile: "/no/such"}, "2026-12-01T10:00:00Z", deploy,
			"it is not known whether changes may be made now: guardrails: iCalendar: open /no/such: no such file or directory", ""},
		{"one broken window of two", &guardrails.Calendar{Open: []guardrails.Window{officeHours(), {}}}, "2026-12-01T10:00:00Z", deploy,
			"it is not known whether changes may be made now: Open[1] has no times: want From and To, or Days, Begin, End and Zone", ""},
	} {
		t.Run(tc.story, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sleepUntil(t, tc.at)
				// A copy without its caches: what is made in a bubble must stay there.
				c := &guardrails.Calendar{Open: tc.calendar.Open, Frozen: tc.calendar.Frozen, FrozenFile: tc.calendar.FrozenFile, MustFit: tc.calendar.MustFit}
				for range 2 { // the second answer comes from memory
					b := no(t, c, tc.act)
					if tc.reason == "" {
						require.Nil(t, b)
						continue
					}
					require.NotNil(t, b)
					require.Equal(t, tc.reason, b.Reason)
					require.Equal(t, tc.evidence, b.Evidence)
					require.Equal(t, guardrails.Hold, b.Consequence)
					require.False(t, b.Cap, "what cannot wait is overridden")
				}
				for _, verb := range alwaysPass {
					require.NoError(t, c.Check(t.Context(), guardrails.Action{Verb: verb}))
				}
			})
		})
	}
}

func TestCalendarVerbs(t *testing.T) {
	closed := guardrails.Window{From: time.Now().Add(-time.Hour), To: time.Now().Add(time.Hour)}
	minds := func(verbs ...guardrails.Verb) (held []guardrails.Verb) {
		c := &guardrails.Calendar{Frozen: []guardrails.Window{closed}, Verbs: verbs}
		for v := guardrails.Unknown; v <= guardrails.Recover+1; v++ {
			if c.Check(t.Context(), guardrails.Action{Verb: v}) != nil {
				held = append(held, v)
			}
		}
		return held
	}
	const newer = guardrails.Recover + 1
	require.Equal(t, []guardrails.Verb{guardrails.Unknown, guardrails.Start, guardrails.Deploy, newer}, minds())
	require.Equal(t, []guardrails.Verb{guardrails.Start}, minds(guardrails.Start))
	require.Equal(t, []guardrails.Verb{guardrails.Unknown, guardrails.Deploy, guardrails.Bake, newer}, minds(guardrails.Deploy, guardrails.Bake))
	// A setting that would keep a bad version in production is none: nothing new
	// passes, and what takes it back does.
	require.Equal(t, []guardrails.Verb{guardrails.Start}, minds(guardrails.Start, guardrails.Undo, guardrails.Recover))
}

func TestCalendarProblems(t *testing.T) {
	days := []time.Weekday{time.Monday}
	for _, tc := range []struct {
		calendar *guardrails.Calendar
		want     []string
	}{
		{&guardrails.Calendar{Open: []guardrails.Window{officeHours()}}, nil},
		{&guardrails.Calendar{OpenFile: "x.ics", Zone: "Europe/Berlin"}, nil},
		{&guardrails.Calendar{}, []string{"Open is empty, and so are Frozen, OpenFile and FrozenFile: nothing would be let through"}},
		{&guardrails.Calendar{FrozenFile: "x", Zone: "Mars/Olympus"}, []string{`Zone is "Mars/Olympus": unknown time zone Mars/Olympus`}},
		{&guardrails.Calendar{FrozenFile: "x", Zone: "Local"}, []string{`Zone is "Local": want the name of a time zone, such as Europe/Berlin or UTC`}},
		{&guardrails.Calendar{FrozenFile: "x", Verbs: []guardrails.Verb{guardrails.Undo}}, []string{"Verbs[0] is undo: want Start, Deploy or Bake, which take nothing back"}},
		{&guardrails.Calendar{FrozenFile: "x", Verbs: []guardrails.Verb{guardrails.Deploy}, MustFit: true}, []string{"MustFit is asked about at a Start, which Verbs does not list"}},
		{&guardrails.Calendar{Frozen: []guardrails.Window{
			{Days: days, Begin: "9:00", End: "17:00", Zone: "UTC"},
			{Days: days, Begin: "24:00", End: "17:00", Zone: "UTC"},
			{Days: days, Begin: "09:00", End: "24:01", Zone: "UTC"},
			{Days: days, Begin: "09:00", End: "17:60", Zone: "UTC"},
			{Days: days, Begin: "09:00", End: "17:00"},
			{Begin: "09:00", End: "17:00", Zone: "UTC"},
			{Days: []time.Weekday{7}, Begin: "09:00", End: "17:00", Zone: "UTC"},
			{From: time.Unix(0, 0).UTC(), To: time.Unix(0, 0).UTC()},
			{To: time.Unix(0, 0).UTC()},
			{From: time.Unix(0, 0).UTC(), To: time.Unix(9, 0).UTC(), Zone: "UTC"},
		}}, []string{
			`Frozen[0] begins at "9:00": want a time of day, such as 09:00`,
			`Frozen[1] begins at "24:00": want a time of day, such as 09:00`,
			`Frozen[2] ends at "24:01": want a time of day, such as 17:00`,
			`Frozen[3] ends at "17:60": want a time of day, such as 17:00`,
			`Frozen[4] has the zone "": want the name of a time zone, such as Europe/Berlin or UTC`,
			`Frozen[5] names no weekday`,
			`Frozen[6] has the weekday 7, which does not exist`,
			`Frozen[7] goes from 1970-01-01 00:00:00 +0000 UTC to 1970-01-01 00:00:00 +0000 UTC: want both, and To after From`,
			`Frozen[8] goes from 0001-01-01 00:00:00 +0000 UTC to 1970-01-01 00:00:00 +0000 UTC: want both, and To after From`,
			`Frozen[9] is both once (From, To) and weekly (Days, Begin, End, Zone)`,
		}},
	} {
		require.Equal(t, tc.want, problems(tc.calendar))
	}
}

// A freeze that is put into the file holds what is under way, and one that is broken
// holds everything.
func TestCalendarFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "freeze.ics")
	write := func(events ...string) {
		require.NoError(t, os.WriteFile(path, ics(events...), 0o600))
	}
	write()
	synctest.Test(t, func(t *testing.T) {
		sleepUntil(t, "2026-07-01T12:00:00Z")
		c := &guardrails.Calendar{FrozenFile: path, Zone: "Europe/Berlin"}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var changes atomic.Int32
		go c.Watch(ctx, func() { changes.Add(1) })
		deploy := guardrails.Action{Verb: guardrails.Deploy}
		require.Nil(t, no(t, c, deploy))

		write("SUMMARY:outage drill", "DTSTART;VALUE=DATE:20260701")
		time.Sleep(62 * time.Second)
		synctest.Wait()
		require.EqualValues(t, 1, changes.Load())
		require.Equal(t, "changes are frozen: outage drill", no(t, c, deploy).Reason)
		require.Equal(t, "now Wed 14:01 CEST; opens Thu 00:00 CEST, in 9h59m", no(t, c, deploy).Evidence)

		write("RRULE:FREQ=HOURLY")
		time.Sleep(62 * time.Second)
		require.Contains(t, no(t, c, deploy).Reason, "it is not known whether changes may be made now: "+path)

		write()
		time.Sleep(62 * time.Second)
		synctest.Wait()
		require.Nil(t, no(t, c, deploy))
		require.GreaterOrEqual(t, changes.Load(), int32(3))

		open := &guardrails.Calendar{OpenFile: path, Zone: "UTC"}
		require.Contains(t, no(t, open, deploy).Reason, "has no windows", "which must not mean: at any time")
	})
}

func TestCalendarNextOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sleepUntil(t, "2026-07-04T12:00:00Z") // a Saturday
		c := &guardrails.Calendar{Open: []guardrails.Window{officeHours()}}
		at, err := c.NextOpen(t.Context(), time.Hour)
		require.NoError(t, err)
		require.Equal(t, "2026-07-06T09:00:00+02:00", at.Format(time.RFC3339))
		at, err = c.NextOpen(t.Context(), 9*time.Hour)
		require.NoError(t, err)
		require.Zero(t, at)
		_, err = new(guardrails.Calendar).NextOpen(t.Context(), 0)
		require.Error(t, err)
		time.Sleep(48 * time.Hour)
		at, err = c.NextOpen(t.Context(), 0)
		require.NoError(t, err)
		require.True(t, at.Equal(time.Now()), "it is open")
	})
}

// A weekly window is what a clock on the wall shows, in any zone, on any day.
func TestCalendarWeeklyProperty(t *testing.T) {
	zones := []string{"UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "America/Sao_Paulo", "Pacific/Apia"}
	rapid.Check(t, func(t *rapid.T) {
		zone := rapid.SampledFrom(zones).Draw(t, "zone")
		loc, err := time.LoadLocation(zone)
		if err != nil {
			t.Fatal(err)
		}
		begin, end := rapid.IntRange(0, 23).Draw(t, "begin"), rapid.IntRange(0, 24).Draw(t, "end")
		days := rapid.SliceOfNDistinct(rapid.SampledFrom([]time.Weekday{0, 1, 2, 3, 4, 5, 6}), 1, 7, rapid.ID).Draw(t, "days")
		w := guardrails.Window{Days: days, Begin: fmt.Sprintf("%02d:00", begin), End: fmt.Sprintf("%02d:00", end), Zone: zone}
		from := time.Unix(rapid.Int64Range(1_000_000_000, 1_900_000_000).Draw(t, "from"), 0)
		spans, err := guardrails.Spans(w, from, from.AddDate(0, 0, 10))
		if err != nil {
			t.Fatal(err)
		}
		// Half an hour past each full one is away from every change of the clocks but
		// those of Lord Howe, which are of half an hour.
		for at := from.Truncate(time.Hour).Add(45 * time.Minute); at.Before(from.AddDate(0, 0, 10)); at = at.Add(time.Hour) {
			if at.Before(from) {
				continue
			}
			local := at.In(loc)
			on := func(d time.Weekday) bool { return slices.Contains(days, d) }
			h := local.Hour()
			want := on(local.Weekday()) && h >= begin && (h < end || end <= begin)
			if end <= begin {
				want = want || on((local.Weekday()+6)%7) && h < end
			}
			got := false
			for i := 0; i < len(spans); i += 2 {
				got = got || !at.Before(spans[i]) && at.Before(spans[i+1])
			}
			// Where the clocks are turned, an hour is there twice or not at all, and what a
			// window that begins or ends in it means is a matter of taste.
			_, before := at.Add(-4 * time.Hour).In(loc).Zone()
			_, after := at.Add(4 * time.Hour).In(loc).Zone()
			if got != want && before == after {
				t.Fatalf("%+v at %v: %v", w, local, got)
			}
		}
	})
}

// Whatever the windows: what next finds is open and long enough, and nothing before
// it is.
func TestCalendarNextOpenProperty(t *testing.T) {
	base := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	rapid.Check(t, func(t *rapid.T) {
		window := rapid.Custom(func(t *rapid.T) guardrails.Window {
			from := rapid.IntRange(-20, 60).Draw(t, "from")
			return guardrails.Window{
				From: base.Add(time.Duration(from) * time.Hour),
				To:   base.Add(time.Duration(from+rapid.IntRange(1, 15).Draw(t, "hours")) * time.Hour),
			}
		})
		open := rapid.SliceOfN(window, 0, 4).Draw(t, "open")
		frozen := rapid.SliceOfN(window, 0, 4).Draw(t, "frozen")
		if len(open)+len(frozen) == 0 {
			t.Skip("no windows")
		}
		long := rapid.IntRange(0, 6).Draw(t, "long")
		in := func(all []guardrails.Window, hour int) bool {
			at := base.Add(time.Duration(hour) * time.Hour)
			return slices.ContainsFunc(all, func(w guardrails.Window) bool { return !at.Before(w.From) && at.Before(w.To) })
		}
		fits := func(hour int) bool { // by the hour, since all windows are
			for h := hour; h < hour+max(long, 1); h++ {
				if len(open) > 0 && !in(open, h) || in(frozen, h) {
					return false
				}
			}
			return true
		}
		want := 0
		for want < 100 && !fits(want) {
			want++
		}
		got, err := guardrails.NextOpenAt(&guardrails.Calendar{Open: open, Frozen: frozen}, base, time.Duration(long)*time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		if want == 100 && !got.IsZero() || want < 100 && !got.Equal(base.Add(time.Duration(want)*time.Hour)) {
			t.Fatalf("opens at %v, want in %d h", got, want)
		}
	})
}

func TestCalendarSelfTest(t *testing.T) {
	good := &guardrails.Calendar{Open: []guardrails.Window{officeHours()}, FrozenFile: "/no/such", MustFit: true}
	require.NoError(t, good.SelfTest(t.Context()))
	require.NoError(t, (&guardrails.Calendar{Open: good.Open, Verbs: []guardrails.Verb{guardrails.Start}}).SelfTest(t.Context()))
	require.ErrorContains(t, (&guardrails.Calendar{Open: good.Open, Verbs: []guardrails.Verb{guardrails.Bake}}).SelfTest(t.Context()),
		"it let through a change in a freeze", "it minds nothing that changes anything")
	require.Error(t, (&guardrails.Calendar{}).SelfTest(t.Context()))
	require.ErrorIs(t, guardrails.SelfTest(t.Context(), &guardrails.Calendar{}), guardrails.ErrSelfTest)
}

func TestRoughly(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-1: "0s", 0: "0s", 1: "1s", time.Second: "1s", 59 * time.Second: "59s", 59*time.Second + 1: "1m",
		time.Minute: "1m", 61 * time.Second: "1m1s", 59*time.Minute + 59*time.Second + 1: "1h", time.Hour: "1h",
		90 * time.Minute: "1h30m", 24 * time.Hour: "1d", 23*time.Hour + 59*time.Minute + 1: "1d", 52 * time.Hour: "2d4h", 14 * 24 * time.Hour: "14d",
	} {
		require.Equal(t, want, guardrails.Roughly(d), "%v", d)
	}
}

func ExampleCalendar() {
	calendar := &guardrails.Calendar{
		Open: []guardrails.Window{{
			Name: "office hours", Zone: "Europe/Berlin", Begin: "09:00", End: "17:00",
			Days: []time.Weekday{time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday},
		}},
		Frozen: []guardrails.Window{{
			Name: "until further notice", From: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), To: time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC),
		}},
		MustFit: true,
	}
	guards, ctx := []guardrails.Guard{calendar}, context.Background()
	breach := guardrails.Check(ctx, guards, guardrails.Action{Verb: guardrails.Deploy})
	fmt.Println(breach.Consequence, "-", breach.Reason)
	fmt.Println("undo:", guardrails.Check(ctx, guards, guardrails.Action{Verb: guardrails.Undo}) == nil)
	// Output:
	// hold - changes are frozen: until further notice
	// undo: true
}
