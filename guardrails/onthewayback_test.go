package guardrails_test

import (
	"context"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/guardrails"
)

var errDown = errors.New("connection refused")

// burning is a switch source that says that there is an incident.
type burning struct{ err error }

func (burning) Name() string { return "pager" }

func (b burning) Read(context.Context) (bool, string, error) { return b.err == nil, "it burns", b.err }

// lost is a history that nobody can read.
type lost struct{}

func (lost) Past(context.Context, string, time.Time) ([]guardrails.Past, error) { return nil, errDown }

// refusing is a guard in a state in which it refuses a Deploy, or a Start.
type refusing struct {
	name  string
	guard guardrails.Guard
	// undo and recover say that it refuses those as well. Only what keeps the capacity
	// up, what belongs to somebody else, and what stops everything may do so.
	undo, recover bool
}

// onTheWayBack has every guard of the package, as it is in an outage: alarms ring, a
// freeze is on, nobody has approved, budgets are spent, and nothing answers.
func onTheWayBack(t *testing.T) []refusing {
	t.Helper()
	report := func(version string) func(context.Context, string) (string, error) {
		return func(context.Context, string) (string, error) { return version, nil }
	}
	probe := func(healthy bool, err error) func(context.Context, guardrails.Target) (bool, error) {
		return func(_ context.Context, t guardrails.Target) (bool, error) { return healthy || t.Name == "7", err }
	}
	targets := []guardrails.Target{{Name: "6"}, {Name: "7"}, {Name: "8"}}
	sets := func(changes ...guardrails.SetChange) func(context.Context, guardrails.Action) ([]guardrails.SetChange, error) {
		return func(context.Context, guardrails.Action) ([]guardrails.SetChange, error) { return changes, nil }
	}
	flap := &guardrails.Flap{Reversals: 3, Generations: 10}
	for i := range 10 {
		flap.Observe(i%2 == 0)
	}
	spent := &guardrails.RetryBudget{Max: 1, Per: time.Hour}
	require.Nil(t, spent.Take())
	halt, back := &guardrails.KillSwitch{}, &guardrails.KillSwitch{Mode: guardrails.Rollback}
	require.NoError(t, halt.Trip("ann", "it burns"))
	require.NoError(t, back.Trip("ann", "it burns"))
	down := func(context.Context) error { return errDown }
	frozen := &guardrails.Calendar{Frozen: []guardrails.Window{{Name: "holidays", From: time.Now().Add(-time.Hour), To: time.Now().Add(24 * time.Hour)}}}
	gap := &guardrails.DomainGap{Label: "region", Gap: time.Hour}
	elsewhere := aStep()
	elsewhere.Labels, elsewhere.Fleet = map[string]string{"region": "eu-1"}, ledger{{"", ""}: hosts(1, 300), {"region", "eu-1"}: hosts(1, 90)}
	require.NoError(t, gap.Check(t.Context(), elsewhere))
	low := analysis.SourceFunc(func(_ context.Context, w analysis.Window) (analysis.Observation, error) {
		return analysis.Observation{At: w.End, Canary: analysis.Sample{Kind: analysis.ValueKind, Value: 3}}, nil
	})
	seen := func(n uint64, err error) func(context.Context, string) (uint64, error) {
		return func(context.Context, string) (uint64, error) { return n, err }
	}
	return []refusing{
		// Alarms, which the bad version itself has raised.
		{name: "an alarm of a metric", guard: &guardrails.Metric{Of: analysis.Check{Name: "orders", Source: low, Judge: analysis.Above(1000)}}},
		{name: "no metrics", guard: &guardrails.Metric{Of: analysis.Check{Name: "orders", Judge: analysis.Above(1000), Source: analysis.SourceFunc(
			func(context.Context, analysis.Window) (analysis.Observation, error) {
				return analysis.Observation{}, errDown
			})}}},
		{name: "an incident", guard: &guardrails.NoIncident{Sources: []guardrails.SwitchSource{burning{}}}},
		{name: "a pager that is down", guard: &guardrails.NoIncident{Sources: []guardrails.SwitchSource{burning{errDown}}}},
		{name: "no heartbeat", guard: &guardrails.DeadMan{Within: time.Minute, Source: func(context.Context) (time.Time, error) { return time.Now().Add(-time.Hour), nil }}},
		{name: "flapping", guard: flap},
		{name: "drift", guard: &guardrails.Drift{Targets: []string{"7", "8"}, Report: report("v0")}},
		{name: "not converged", guard: &guardrails.Converged{Labels: map[string]string{"zone": "a"}, Targets: []string{"7", "8"}, Report: report("v1")}},
		// The calendar, approvals and budgets.
		{name: "a freeze", guard: frozen},
		{name: "a calendar that cannot be read", guard: &guardrails.Calendar{FrozenFile: "/no/such/file.ics"}},
		{name: "no approval", guard: &guardrails.Approval{Source: func(context.Context) ([]guardrails.Approved, error) { return nil, nil }}},
		{name: "approvals that cannot be read", guard: &guardrails.Approval{Source: func(context.Context) ([]guardrails.Approved, error) { return nil, errDown }}},
		{name: "no error budget", guard: &guardrails.ErrorBudget{Budget: func(context.Context) (float64, error) { return 0, nil }}},
		{name: "no retry budget", guard: spent},
		{name: "too many changes", guard: guardrails.Rate{History: lost{}, Max: 1, Per: time.Hour}},
		{name: "too many failures", guard: guardrails.Breaker{History: lost{}, After: 1}},
		// What the change itself may be.
		{name: "an artifact that cannot be validated", guard: &guardrails.Validator{Validate: down}},
		{name: "an artifact that kills who reads it", guard: &guardrails.Taste{Args: []string{"/no/such/program"}}},
		{name: "an artifact that nobody can measure", guard: &guardrails.MaxDiff{Grow: 10, New: func(context.Context, guardrails.Action) (guardrails.Artifact, error) {
			return guardrails.Artifact{}, errDown
		}}},
		{name: "too much removed", guard: &guardrails.MaxRemoval{Run: guardrails.Removal{Count: 3}, Sets: sets(guardrails.SetChange{Set: "a", Before: 100, After: 50})}},
		// How much is exposed: less, with every undo.
		{name: "too much exposed", guard: guardrails.MaxExposure{Count: 1}},
		{name: "a partner exposed", guard: guardrails.Domains{Label: "region", Pairs: [][2]string{{"ap-1", "eu-1"}}}},
		{name: "a region too soon", guard: gap},
		// A change that is too old to be made is not too old to be taken back.
		{name: "a change that is too old", guard: guardrails.Fence{MaxAge: time.Nanosecond}},
		{name: "a target that does not say what it has", guard: guardrails.Fence{Seen: seen(0, errDown)}},
		{name: "a kill switch that rolls back", guard: back},
		{name: "its source is down", guard: &guardrails.KillSwitch{Mode: guardrails.Rollback, Sources: []guardrails.SwitchSource{burning{errDown}}}},
		// And those that hold an undo.
		{name: "a target that has something newer", guard: guardrails.Fence{Seen: seen(9, nil)}, undo: true},
		{name: "the capacity floor", guard: &guardrails.MinHealthy{Percent: 66, Targets: targets, Probe: probe(false, nil)}, undo: true},
		{name: "health that nobody knows", guard: &guardrails.MinHealthy{Percent: 66, Targets: targets, Probe: probe(false, errDown)}, undo: true},
		{name: "a set that would be empty", guard: &guardrails.NeverEmpty{Sets: sets(guardrails.SetChange{Set: "a", Before: 1, After: 0})}, undo: true},
		{name: "a kill switch that halts", guard: halt, undo: true, recover: true},
		{name: "a group with the floor in it", guard: guardrails.All(frozen, &guardrails.NeverEmpty{}), undo: true},
		// Groups and leashes are as those in them.
		{name: "a group", guard: guardrails.All(frozen, spent)},
		{name: "the first of a group", guard: guardrails.First(spent, frozen)},
	}
}

// Nothing that the bad version has set off, and no rule about when changes may be made,
// keeps it from being taken back.
func TestOnlyCapacityAndHaltsHoldAnUndo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		time.Sleep(time.Second)
		for _, r := range onTheWayBack(t) {
			check := func(verb guardrails.Verb) *guardrails.Breach {
				act := aStep()
				act.Fleet = ledger{{"", ""}: hosts(2, 300), {"region", "ap-1"}: hosts(1, 90), {"region", "eu-1"}: hosts(1, 90)}
				act.Verb, act.Plan, act.Longest, act.Issued = verb, "1234", time.Hour, began
				if verb == guardrails.Start || verb == guardrails.Recover {
					act.Target, act.Labels = "", nil
				}
				return guardrails.Check(t.Context(), []guardrails.Guard{r.guard}, act)
			}
			start, deploy := check(guardrails.Start), check(guardrails.Deploy)
			require.True(t, start != nil || deploy != nil, "%s: it refuses something", r.name)
			undo, watch := check(guardrails.Undo), check(guardrails.Recover)
			require.Equal(t, r.undo, undo != nil, "%s, and an undo: %v", r.name, undo)
			require.Equal(t, r.recover, watch != nil, "%s, and the watch over a rollback: %v", r.name, watch)
		}
	})
}

// No guard is left out of that.
func TestEveryGuardIsLookedAtOnTheWayBack(t *testing.T) {
	var names map[string]bool
	synctest.Test(t, func(t *testing.T) {
		names = map[string]bool{
			"Func":    true, // what it minds is the user's
			"leashed": true, // reports, and refuses nothing
		}
		for _, r := range onTheWayBack(t) {
			typ := reflect.TypeOf(r.guard)
			if typ.Kind() == reflect.Pointer {
				typ = typ.Elem()
			}
			names[typ.Name()] = true
		}
	})
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	guards := 0
	for _, path := range files {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		for _, decl := range file.Decls {
			f, ok := decl.(*ast.FuncDecl)
			if !ok || f.Recv == nil || f.Name.Name != "Check" {
				continue
			}
			receiver := f.Recv.List[0].Type
			if star, ok := receiver.(*ast.StarExpr); ok {
				receiver = star.X
			}
			name := receiver.(*ast.Ident).Name
			require.True(t, names[name], "%s is not looked at on the way back", name)
			guards++
		}
	}
	require.Greater(t, guards, 20)
}
