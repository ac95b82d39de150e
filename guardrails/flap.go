package guardrails

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
)

const (
	// DefaultReversals is how many reversals latch a Flap.
	DefaultReversals = 2
	// DefaultGenerations is among how many generations a Flap counts them.
	DefaultGenerations = 10
)

// Flap stops a pipeline whose generations are good, bad and good again by turns. Each
// good one would be deployed with a clear conscience, and the fault would look like an
// attack or like the weather. Once that was seen it is latched: the next good generation
// changes nothing, and a human finds out why they differ and resets it.
//
// What it would have bounded: Cloudflare, 18 November 2025. A file was generated anew
// every five minutes, by a query that gave a bad result on some nodes of a database and a
// good one on others. Good and bad files went to every machine by turns, the network went
// down and came back, and it was taken for an attack.
//
// A reversal is a verdict that differs from the one before. Tell it the verdicts by
// Observe, one for each generation, such as how its validation or its first wave ended;
// or let it ask for them (Latest). Verdicts of before the process began it does not know,
// and while it has seen none it lets everything pass; a Latest that cannot answer holds.
//
// It minds Start, Deploy, Bake, and a verb that it does not know. Undo and Recover pass.
//
// It is latched until Reset, or as long as the process lives: no override lifts it, and
// nothing but Reset forgets the verdicts. The zero Flap is useful: it latches at two
// reversals within ten generations, by Observe. Use it by pointer. All methods are safe
// for concurrent use; the fields must not be changed after the first of them is called.
type Flap struct {
	// Reversals is how many latch it. Zero means DefaultReversals.
	Reversals int
	// Generations is among how many of the last verdicts they are counted. Zero means
	// DefaultGenerations.
	Generations int
	// Latest, if not nil, tells of the latest generation and whether it is good. The same
	// generation with the same verdict counts once. It is asked again each Every, with a
	// ctx that ends after Timeout; while it fails, nothing passes. An answer counts for
	// twice Every, and a generation that comes and goes between two questions is missed,
	// so make Every shorter than what makes generations.
	Latest func(ctx context.Context) (generation string, good bool, err error)
	// Zero means DefaultAskEvery and DefaultAskTimeout.
	Every, Timeout time.Duration

	asked asked[flapVerdict]

	mu       sync.Mutex
	verdicts []bool // the last ones, oldest first
	latest   flapVerdict
	latched  string    // how it looked then; empty while it is not latched
	since    time.Time // when it was latched
	records  []SwitchRecord
}

// flapVerdict is what Latest said.
type flapVerdict struct {
	generation  string
	good, known bool
}

// GuardName returns "flap".
func (f *Flap) GuardName() string { return "flap" }

// Problems reports every setting that makes no sense.
func (f *Flap) Problems(report func(path, msg string)) {
	if f.Reversals < 0 {
		report("Reversals", fmt.Sprintf("is negative (%d)", f.Reversals))
	}
	if f.Generations < 0 {
		report("Generations", fmt.Sprintf("is negative (%d)", f.Generations))
	}
	reversals, generations := f.settings()
	if reversals >= generations {
		report("Reversals", fmt.Sprintf("is %d, and among %d generations there are %d at the most, so nothing would ever be latched", reversals, generations, generations-1))
	}
	askProblems(report, f.Every, f.Timeout)
}

// settings are Reversals and Generations, or their defaults.
func (f *Flap) settings() (reversals, generations int) {
	reversals, generations = f.Reversals, f.Generations
	if reversals <= 0 {
		reversals = DefaultReversals
	}
	if generations <= 0 {
		generations = DefaultGenerations
	}
	return reversals, generations
}

// Observe tells whether the next generation is good.
func (f *Flap) Observe(good bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.observe(good)
}

// observe takes in a verdict. The caller holds mu.
func (f *Flap) observe(good bool) {
	reversals, generations := f.settings()
	f.verdicts = append(f.verdicts, good)
	if over := len(f.verdicts) - generations; over > 0 {
		f.verdicts = append(f.verdicts[:0], f.verdicts[over:]...)
	}
	if f.latched != "" {
		return
	}
	if n := f.count(); n >= reversals {
		f.since = time.Now()
		f.latched = fmt.Sprintf("%d reversals within %d generations: %s; the most is %d", n, len(f.verdicts), f.story(), reversals-1)
		f.record(SwitchRecord{Tripped: true, Actor: f.GuardName(), Reason: f.latched})
	}
}

// count counts the reversals. The caller holds mu.
func (f *Flap) count() (n int) {
	for i := 1; i < len(f.verdicts); i++ {
		if f.verdicts[i] != f.verdicts[i-1] {
			n++
		}
	}
	return n
}

// story says the last verdicts, oldest first. The caller holds mu.
func (f *Flap) story() string {
	words := make([]string, 0, maxStory)
	for _, good := range f.verdicts[max(0, len(f.verdicts)-maxStory):] {
		if good {
			words = append(words, "good")
		} else {
			words = append(words, "bad")
		}
	}
	s := strings.Join(words, ", ")
	if len(f.verdicts) > maxStory {
		s = "…, " + s
	}
	return s
}

// maxStory is how many verdicts are shown.
const maxStory = 20

// Check returns a *Breach that holds, and is a cap, when it is latched, and one that
// holds when Latest does not answer.
func (f *Flap) Check(ctx context.Context, act Action) error {
	switch act.Verb {
	case Undo, Recover:
		return nil
	case Unknown, Start, Deploy, Bake: // and every verb to come
	}
	var unknown error
	if f.Latest != nil {
		_, unknown = f.asked.get(ctx, 2*f.every(), orElse(f.Timeout, DefaultAskTimeout), f.ask)
	}
	reversals, generations := f.settings()
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.latched != "":
		return &Breach{
			Guard: f.GuardName(), Consequence: Hold, Cap: true,
			Reason:   "generations are good and bad by turns, so that this one is good says nothing of the next",
			Evidence: f.latched + ", since " + f.since.UTC().Format(time.RFC3339),
			Runbook:  "Stop what makes the generations, and find out why they differ. Then reset the guard with your name and the reason. No override lifts it.",
		}
	case reversals >= generations:
		return &Breach{
			Guard: f.GuardName(), Consequence: Hold, Cap: true, Reason: "the guard could never latch",
			Evidence: fmt.Sprintf("Reversals is %d, Generations is %d", reversals, generations), Runbook: "Correct the plan's Flap.",
		}
	case unknown != nil:
		return &Breach{
			Guard: f.GuardName(), Consequence: Hold, Err: unknown, Reason: "nobody knows whether the latest generation is good",
			Evidence: plainText(unknown.Error()), Runbook: "Make Latest answer.",
		}
	}
	return nil
}

func (f *Flap) every() time.Duration { return orElse(f.Every, DefaultAskEvery) }

// ask asks for the latest verdict, and takes it in if it is news.
func (f *Flap) ask(ctx context.Context) (flapVerdict, error) {
	generation, good, err := f.Latest(ctx)
	if err != nil {
		return flapVerdict{}, err
	}
	v := flapVerdict{generation, good, true}
	f.mu.Lock()
	defer f.mu.Unlock()
	if v != f.latest {
		f.latest = v
		f.observe(good)
	}
	return v, nil
}

// Watch keeps asking for the latest generation, where there is somebody to ask, and tells
// when the answer changes.
func (f *Flap) Watch(ctx context.Context, changed func()) {
	if f.Latest == nil {
		<-ctx.Done()
		return
	}
	f.asked.watch(ctx, f.every(), orElse(f.Timeout, DefaultAskTimeout), f.ask, func(v flapVerdict, err error) string {
		return fmt.Sprint(v, err)
	}, changed)
}

// Reset lets things pass again, and forgets the verdicts so far. Both actor and reason
// are needed, or it is ErrUnsigned.
func (f *Flap) Reset(actor, reason string) error {
	actor, reason, err := sign(actor, reason)
	if err != nil {
		return fmt.Errorf("%w to reset what flapped", err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.latched == "" {
		return nil
	}
	f.latched, f.verdicts = "", nil
	f.record(SwitchRecord{Actor: actor, Reason: reason})
	return nil
}

// Records returns every time that it was latched, and every reset, oldest first. Of more
// than 1000 the oldest are dropped.
func (f *Flap) Records() []SwitchRecord {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]SwitchRecord(nil), f.records...)
}

// record stamps and keeps r. The caller holds mu.
func (f *Flap) record(r SwitchRecord) {
	r.At = time.Now().UTC()
	if over := len(f.records) - maxRecords + 1; over > 0 {
		f.records = append(f.records[:0], f.records[over:]...)
	}
	f.records = append(f.records, r)
}

// SelfTest has the same settings refuse everything after generations that were good and
// bad by turns, and while nobody knows the latest.
func (f *Flap) SelfTest(ctx context.Context) error {
	if wrong := firstProblem(f); wrong != "" {
		return errors.New(wrong)
	}
	fresh := &Flap{Reversals: f.Reversals, Generations: f.Generations}
	if err := fresh.Check(ctx, Action{Verb: Deploy}); err != nil {
		return fmt.Errorf("it refused before there was any verdict: %w", err)
	}
	reversals, _ := f.settings()
	for i := range reversals + 1 {
		fresh.Observe(i%2 == 0)
	}
	if err := mustRefuse(ctx, fresh, Action{Verb: Deploy}, "a step after generations that were good and bad by turns"); err != nil {
		return err
	}
	fresh = &Flap{Latest: func(context.Context) (string, bool, error) { return "", false, errors.New("self-test") }}
	return mustRefuse(ctx, fresh, Action{Verb: Deploy}, "a step while nobody knew the latest generation")
}
