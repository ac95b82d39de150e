package planfile

import (
	"context"

	"github.com/tidegate-go/tidegate/rollback"
)

// policy reads how a change is taken back.
func policy(s *Section) (p rollback.Policy) {
	p.Batch = s.Percent("batch")
	p.Parallel = s.Count("parallel", 1)
	p.Jitter = s.DurationOrNone("jitter")
	p.Attempts = s.Count("attempts", 1)
	p.Timeout, p.Backoff, p.Deadline = s.Duration("timeout"), s.Duration("backoff"), s.Duration("deadline")
	p.Fast = mitigations(s, "fast")
	p.Older = s.Texts("older")
	if sub := s.Section("registry"); sub.Here() {
		sub.Short("path")
		sub.Need("path")
		p.Registry = &rollback.Registry{Path: sub.Path("path"), Depth: sub.Count("depth", 1), Bake: sub.Duration("bake")}
	}
	p.Fallback = mitigations(s, "fallback")
	if page := programOf(s, "page"); page.args != nil {
		p.Page = func(ctx context.Context, message string) error {
			return page.run(ctx, map[string]string{"message": message})
		}
	}
	if sub := s.Section("canary"); sub.Here() {
		p.Canary = gate(sub)
	}
	if sub := s.Section("verify"); sub.Here() {
		p.Verify = gate(sub)
	}
	p.Rehearse = s.Flag("rehearse")
	p.Takes, p.RTO, p.RevertWindow = s.Duration("takes"), s.Duration("rto"), s.Duration("revert-window")
	p.Domain = s.Text("domain")
	return p
}

// mitigations reads programs that give relief.
func mitigations(s *Section, field string) (all []rollback.Mitigation) {
	for _, one := range s.Sections(field) {
		one.Need("name", "run")
		m := rollback.Mitigation{Name: one.Text("name"), Timeout: one.Duration("timeout")}
		run := programOf(one, "run")
		if run.args != nil {
			m.Do = func(ctx context.Context) error { return run.run(ctx, nil) }
		}
		all = append(all, m)
	}
	return all
}
