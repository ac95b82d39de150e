package rollback

import (
	"context"
	"fmt"
	"time"
)

// DefaultMitigationTimeout bounds one mitigation.
const DefaultMitigationTimeout = time.Minute

// Mitigation gives relief without taking the change back: it drains a region,
// turns a flag off, shifts traffic away.
type Mitigation struct {
	// Name identifies the mitigation in the journal. Required, unique in the policy.
	Name string
	// Do does it. It must be idempotent: after a crash it is called again. It must
	// return when ctx is done.
	Do func(ctx context.Context) error
	// Timeout bounds it. Zero means DefaultMitigationTimeout.
	Timeout time.Duration
}

// Limit returns how long the mitigation may take.
func (m Mitigation) Limit() time.Duration {
	if m.Timeout == 0 {
		return DefaultMitigationTimeout
	}
	return m.Timeout
}

// mitigations reports what is wrong with the mitigations.
func (p *Policy) mitigations(report func(path, msg string)) {
	seen := make(map[string]bool)
	for _, list := range []struct {
		path string
		all  []Mitigation
	}{{"Fast", p.Fast}, {"Fallback", p.Fallback}} {
		for i, m := range list.all {
			path := fmt.Sprintf("%s[%d]", list.path, i)
			switch {
			case m.Name == "":
				report(path+".Name", "is empty")
			case seen[m.Name]:
				report(path+".Name", fmt.Sprintf("%q is the name of another mitigation", m.Name))
			case m.Do == nil:
				report(path+".Do", "is nil: it would do nothing")
			case m.Timeout < 0:
				report(path+".Timeout", fmt.Sprintf("is negative (%v)", m.Timeout))
			}
			seen[m.Name] = true
		}
	}
}
