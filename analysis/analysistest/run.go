package analysistest

import (
	"context"
	"testing"
)

// TestSource checks a source, rule by rule. For each rule it has a new rig built,
// or several. The first rule is that it answers; without that, the others are not
// checked. What the rig needs to have closed goes into t.Cleanup: it is closed
// before TestSource looks for goroutines that are left.
func TestSource(t *testing.T, build func(t testing.TB) Rig) {
	t.Helper()
	for i, r := range rules {
		passed := t.Run(r.name, func(t *testing.T) {
			b := &bench{t: t, build: build}
			rig := b.rig()
			if rig.Source == nil {
				t.Fatal("the rig has no Source")
			}
			if r.needs != nil {
				if lacking := r.needs(rig); lacking != "" {
					t.Skip(lacking)
				}
			}
			if err := r.check(t.Context(), b, rig); err != nil {
				t.Errorf("%v\nThe rule: %s", err, r.explanation)
			}
		})
		if i == 0 && !passed {
			return
		}
	}
}

// A rule is one promise of a Source.
type rule struct {
	name        string
	explanation string
	// needs says what the rig lacks for the rule to be checked, empty for
	// nothing. Nil means it needs nothing.
	needs func(Rig) string
	check func(ctx context.Context, b *bench, rig Rig) error
}

// bench is where rigs are built.
type bench struct {
	t     testing.TB
	build func(t testing.TB) Rig
}

// rig builds one that lasts until the test is over.
func (b *bench) rig() Rig {
	rig, _ := b.brief()
	return rig
}

// brief builds one that lasts until it is closed.
func (b *bench) brief() (rig Rig, end func()) {
	s := newScope(b.t)
	return b.build(s), s.close
}
