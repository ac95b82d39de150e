package rollout

import (
	"fmt"
	"slices"
	"time"

	"github.com/tidegate-go/tidegate/rollback"
)

// wayBack checks that there is one, and that it is short enough.
func (p *Plan) wayBack(c *compiled, ps *problems) {
	for i, v := range p.Rollback.Older {
		switch {
		case v == p.Release.From || v == p.Release.To:
			ps.add("Rollback.Older", "[%d] is %q, one of the release's own versions", i, v)
		case moving(v):
			ps.add("Rollback.Older", "[%d] is %q, a moving tag: name an immutable version", i, v)
		}
	}
	for _, m := range slices.Concat(p.Rollback.Fast, p.Rollback.Fallback) {
		if m.Name == PageName {
			ps.add("Rollback", "a mitigation has the name %q, which is kept for Page", PageName)
		}
	}
	p.irreversible(c, ps)
	u := c.spec.Undo
	if p.Rollback.RTO > 0 && p.Rollback.Takes > 0 {
		n := len(c.units)
		if need := rollback.Estimate(c.spec.sizes(), u.Batch, c.spec.undosAtOnce(), p.Rollback.Takes, u.Jitter); need > p.Rollback.RTO {
			rounds, batches := rollback.Rounds(c.spec.sizes(), u.Batch, c.spec.undosAtOnce())
			spread := ""
			if u.Jitter > 0 && batches > 1 {
				spread = fmt.Sprintf(", and each batch but the first begins within %v", u.Jitter)
			}
			ps.add("Rollback.RTO", "a rollback of all %d targets takes %v, and may take %v: %d batches of at most %d, %d at once, are %d undos of %v after one another%s: enlarge Batch or Parallel, or make an undo faster",
				n, need.Round(time.Second), p.Rollback.RTO, batches, u.Batch, c.spec.undosAtOnce(), rounds, p.Rollback.Takes, spread)
		}
	}
}

// irreversible checks that what cannot be undone is only reached through a gate.
func (p *Plan) irreversible(c *compiled, ps *problems) {
	for w, wave := range c.spec.Waves {
		i := slices.IndexFunc(wave.Steps, func(s SpecStep) bool { return s.Irreversible })
		if i < 0 {
			continue
		}
		switch {
		case w == 0:
			ps.add("Waves", "step %q of wave 1 cannot be undone, and no gate stands before it: put it into a later wave", wave.Steps[i].ID)
		case c.spec.Waves[w-1].Ungated != "":
			ps.add("Waves", "step %q of wave %d cannot be undone, and the wave before it has no gate", wave.Steps[i].ID, w+1)
		}
	}
}
