package guardrails

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// calendarEvery is how old what was read of a Calendar's files may be.
const calendarEvery = time.Minute

// A Calendar lets changes be made at certain times only: within its Open windows, if
// there are any, and never while it is Frozen.
//
// What it would have bounded: at Datadog (8 March 2023) an operating system's updates
// came between 06:00 and 07:00 UTC in all regions at once, tens of thousands of hosts
// on three clouds, although these were never to be changed at one time. With a
// calendar for each region, whose windows do not overlap, that is one region.
//
// It minds Start and Deploy (and a verb that it does not know), or what Verbs lists, so
// that a freeze never keeps a change from being taken back: Undo and Recover always
// pass. With MustFit it also refuses a Start if the rollout with all its bakes would
// not be through before the window closes. Its breach holds, and says when it next
// opens: "opens Mon 09:00 CET, in 2d4h". A human may override it, since what must not
// wait for a window is what overrides are for.
//
// The zero Calendar has no windows. It holds everything, and Problems reports it. So
// does one whose file cannot be read or understood. Files are read again every minute,
// by Watch or by the Check that finds them older than that, so a freeze that is put
// into one holds rollouts that are under way.
//
// Use it by pointer. It is safe for concurrent use; the fields must not be changed
// once it is used.
type Calendar struct {
	// Open are the windows for changes. None, and no OpenFile: any time that is not
	// frozen.
	Open []Window
	// Frozen are the windows without changes. They come before Open.
	Frozen []Window
	// OpenFile and FrozenFile are iCalendar files whose events are further windows
	// (see ParseICalendar).
	OpenFile, FrozenFile string
	// Zone is the IANA name of the time zone of what has none in these files.
	Zone string
	// Verbs are those that it minds. None means Start and Deploy.
	Verbs []Verb
	// MustFit refuses a Start that would not come to its end, taking as long as it may
	// (Action.Longest), before the window closes; and one of which nobody knows how
	// long it may take.
	MustFit bool

	busy   atomic.Bool
	files  asked[*windowSet]
	once   sync.Once
	static *windowSet // of the fields alone
	wrong  error
	laid   atomic.Pointer[laidOut]
}

// windowSet is the windows of a Calendar, understood.
type windowSet struct{ open, frozen []*event }

// laidOut is a timeline, and the windows that it is of.
type laidOut struct {
	set  *windowSet
	line *timeline
}

// GuardName returns "calendar".
func (c *Calendar) GuardName() string { return "calendar" }

// Problems reports every setting that makes no sense, as the path of the field and
// what is wrong with it. It does not read the files.
func (c *Calendar) Problems(report func(path, msg string)) {
	if len(c.Open)+len(c.Frozen) == 0 && c.OpenFile == "" && c.FrozenFile == "" {
		report("Open", "is empty, and so are Frozen, OpenFile and FrozenFile: nothing would be let through")
	}
	for _, windows := range []struct {
		field string
		all   []Window
	}{{"Open", c.Open}, {"Frozen", c.Frozen}} {
		for i, w := range windows.all {
			if _, err := w.compile(); err != nil {
				report(fmt.Sprintf("%s[%d]", windows.field, i), err.Error())
			}
		}
	}
	if c.Zone != "" {
		if _, err := zoneNamed(c.Zone); err != nil {
			report("Zone", fmt.Sprintf("is %q: %v", c.Zone, err))
		}
	}
	for i, v := range c.Verbs {
		if v.Backward() || v == Unknown || int(v) >= len(verbWords) {
			report(fmt.Sprintf("Verbs[%d]", i), fmt.Sprintf("is %v: want Start, Deploy or Bake, which take nothing back", v))
		}
	}
	if c.MustFit && !c.minds(Start) {
		report("MustFit", "is asked about at a Start, which Verbs does not list")
	}
}

// minds tells whether the verb is one to hold.
func (c *Calendar) minds(v Verb) bool {
	switch v {
	case Undo, Recover:
		return false
	case Start, Deploy, Bake:
	default: // Unknown, and every verb to come
		v = Deploy
	}
	if len(c.Verbs) == 0 {
		return v != Bake
	}
	return slices.Contains(c.Verbs, v)
}

// Check returns a *Breach that holds when the calendar is closed, when the rollout
// does not fit, and when it is not known whether it is open.
func (c *Calendar) Check(ctx context.Context, act Action) error {
	if !c.minds(act.Verb) {
		return nil
	}
	now := time.Now()
	line, err := c.timeline(ctx, now)
	if err != nil {
		return &Breach{
			Guard: c.GuardName(), Reason: "it is not known whether changes may be made now: " + err.Error(), Err: err,
			Runbook: "Mend the calendar.",
		}
	}
	long := time.Duration(0)
	if c.MustFit && act.Verb == Start {
		if long = act.Longest; long <= 0 {
			return &Breach{
				Guard: c.GuardName(), Reason: "nobody knows how long the rollout may take, so nobody knows whether it fits",
				Runbook: "Give its steps, gates and bakes bounds; or do without MustFit.",
			}
		}
	}
	s, ok := line.next(now, long)
	if ok && s.from.Equal(now) {
		return nil
	}
	return c.closed(line, now, long, s, ok)
}

// closed says why it is, and when no longer. s is when it next opens for long enough.
func (c *Calendar) closed(line *timeline, now time.Time, long time.Duration, s span, ok bool) *Breach {
	b := &Breach{Guard: c.GuardName()}
	is, isOpen := line.next(now, 0)
	switch frozen := line.frozenAt(now); {
	case len(frozen) > 0:
		b.Reason = "changes are frozen: " + strings.Join(frozen, ", ")
	case isOpen && is.from.Equal(now):
		b.Reason = fmt.Sprintf("it may take %s, and the window closes in %s", roughly(long), roughly(is.to.Sub(now)))
	default:
		b.Reason = "it is outside of the windows for changes"
	}
	opens, zone := fmt.Sprintf("does not open within %d days", calendarHorizon/day), time.UTC
	if long > 0 {
		opens += " for so long"
	}
	if ok {
		if s.event != nil {
			zone = s.event.zone
		}
		opens = fmt.Sprintf("opens %s, in %s", moment(s.from.In(zone), now), roughly(s.from.Sub(now)))
	}
	b.Evidence = fmt.Sprintf("now %s; %s", moment(now.In(zone), now), opens)
	b.Runbook = "Wait, or have somebody override it who answers for a change at this time. What takes a change back is never held."
	return b
}

// NextOpen returns when changes that take so long may next be made, which is now if
// they may now; the zero time if that is not within 400 days.
func (c *Calendar) NextOpen(ctx context.Context, long time.Duration) (time.Time, error) {
	now := time.Now()
	line, err := c.timeline(ctx, now)
	if err != nil {
		return time.Time{}, err
	}
	s, ok := line.next(now, long)
	switch {
	case !ok:
		return time.Time{}, nil
	case s.event != nil:
		return s.from.In(s.event.zone), nil
	default:
		return s.from, nil
	}
}

// timeline returns when the calendar is open from now on.
func (c *Calendar) timeline(ctx context.Context, now time.Time) (*timeline, error) {
	set, err := c.windows(ctx)
	if err != nil {
		return nil, err
	}
	if l := c.laid.Load(); l != nil && l.set == set && !now.Before(l.line.from) && now.Sub(l.line.from) < day {
		return l.line, nil
	}
	line, err := newTimeline(set.open, set.frozen, now)
	if err != nil {
		return nil, err
	}
	c.laid.Store(&laidOut{set, line})
	return line, nil
}

// windows returns those of the fields, and of the files if there are any.
func (c *Calendar) windows(ctx context.Context) (*windowSet, error) {
	c.once.Do(func() { c.static, c.wrong = c.compile() })
	if c.wrong != nil || c.OpenFile == "" && c.FrozenFile == "" {
		return c.static, c.wrong
	}
	return c.files.get(ctx, calendarEvery, askPatience, c.ask)
}

// compile understands the fields.
func (c *Calendar) compile() (*windowSet, error) {
	var wrong error
	c.Problems(func(path, msg string) { wrong = cmp.Or(wrong, errors.New(path+" "+msg)) })
	if wrong != nil {
		return nil, wrong
	}
	set := &windowSet{}
	if err := set.add(c.Open, c.Frozen); err != nil {
		return nil, err
	}
	return set, nil
}

func (s *windowSet) add(open, frozen []Window) error {
	for _, w := range open {
		e, err := w.compile()
		if err != nil {
			return err
		}
		s.open = append(s.open, e)
	}
	for _, w := range frozen {
		e, err := w.compile()
		if err != nil {
			return err
		}
		s.frozen = append(s.frozen, e)
	}
	return nil
}

// ask reads the files, which a file system may take its time for.
func (c *Calendar) ask(ctx context.Context) (*windowSet, error) {
	return oneAtATime(ctx, &c.busy, c.read)
}

// read reads the files.
func (c *Calendar) read(context.Context) (*windowSet, error) {
	set := &windowSet{open: slices.Clone(c.static.open), frozen: slices.Clone(c.static.frozen)}
	var open, frozen []Window
	var err error
	if c.OpenFile != "" {
		if open, err = ICalendarFile(c.OpenFile, c.Zone); err != nil {
			return nil, err
		}
		if len(open)+len(c.Open) == 0 {
			return nil, fmt.Errorf("%s has no windows", c.OpenFile) // and would be taken for "any time"
		}
	}
	if c.FrozenFile != "" {
		if frozen, err = ICalendarFile(c.FrozenFile, c.Zone); err != nil {
			return nil, err
		}
	}
	return set, set.add(open, frozen)
}

// Watch reads the files every minute until ctx is done, and calls changed whenever
// the calendar has opened or closed, or what is in the files has changed that.
func (c *Calendar) Watch(ctx context.Context, changed func()) {
	ticks := time.NewTicker(time.Second)
	defer ticks.Stop()
	for was := c.open(ctx); ; {
		select {
		case <-ticks.C:
		case <-ctx.Done():
			return
		}
		if is := c.open(ctx); is != was {
			was = is
			changed()
		}
	}
}

// open tells in a word how it stands.
func (c *Calendar) open(ctx context.Context) string {
	now := time.Now()
	line, err := c.timeline(ctx, now)
	if err != nil {
		return "unknown"
	}
	if s, ok := line.next(now, 0); ok && s.from.Equal(now) {
		return "open"
	}
	return "closed"
}

// SelfTest proves that a calendar with these settings lets through what is inside of
// a window, and holds what is frozen, outside, or does not fit. The windows are its
// own for the last three, and there are none of the files'.
func (c *Calendar) SelfTest(ctx context.Context) error {
	var wrong error
	c.Problems(func(path, msg string) { wrong = cmp.Or(wrong, errors.New(path+" "+msg)) })
	if wrong != nil {
		return wrong
	}
	now := time.Now()
	around := Window{Name: "self-test", From: now.Add(-time.Hour), To: now.Add(time.Hour)}
	later := Window{Name: "self-test", From: now.Add(time.Hour), To: now.Add(2 * time.Hour)}
	deploy, start := Action{Verb: Deploy}, Action{Verb: Start, Longest: time.Minute}
	change := deploy
	if !c.minds(Deploy) {
		change = start
	}
	open := &Calendar{Open: []Window{around}, Verbs: c.Verbs, MustFit: c.MustFit}
	if err := open.Check(ctx, change); err != nil {
		return fmt.Errorf("it held a change inside of a window: %w", err)
	}
	frozen := &Calendar{Open: append(slices.Clone(c.Open), around), Frozen: append(slices.Clone(c.Frozen), around), Verbs: c.Verbs, MustFit: c.MustFit}
	if err := mustRefuse(ctx, frozen, change, "a change in a freeze"); err != nil {
		return err
	}
	closed := &Calendar{Open: []Window{later}, Verbs: c.Verbs, MustFit: c.MustFit}
	if err := mustRefuse(ctx, closed, change, "a change outside of every window"); err != nil {
		return err
	}
	if c.MustFit {
		start.Longest = 3 * time.Hour
		return mustRefuse(ctx, open, start, "a rollout that is longer than the window")
	}
	return nil
}
