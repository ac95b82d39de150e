package rollout

import (
	"fmt"
	"strings"
	"time"
)

// Release is what is rolled out: a service, from one version to another.
type Release struct {
	Service string
	// From and To are immutable ids, such as a digest, a commit, or v42. A
	// moving tag such as latest is refused: it could not be taken back.
	From, To string
	// Issued is when the release was made, for guards that refuse old ones.
	Issued time.Time
	// Sequence orders releases of a service, where something counts them.
	Sequence uint64

	// Fence is set by the Runner: it grows with every runner that takes the
	// rollout over. A target that remembers the highest fence it has seen can
	// refuse a write that comes late from a runner that is gone.
	Fence uint64
	// Key is set by the Runner: it is the same whenever the same step is tried
	// again, after a crash too.
	Key string
	// Wave is set by the Runner: the wave of the step, from 1.
	Wave int
	// Undo is set by the Runner: the change is being taken back, From and To are
	// exchanged.
	Undo bool
}

// moving are tags that mean something else tomorrow.
func moving(version string) bool {
	v := strings.ToLower(version)
	if i := strings.LastIndexAny(v, ":@/"); i >= 0 {
		v = v[i+1:]
	}
	switch v {
	case "latest", "stable", "current", "head", "tip", "main", "master", "trunk", "edge", "nightly", "dev", "prod", "production", "canary", "next", "previous":
		return true
	}
	return strings.ContainsAny(v, "*^~><") || strings.HasSuffix(v, ".x")
}

func (r Release) problems(report func(path, msg string)) {
	if r.Service == "" {
		report("Service", "is empty: name what is changed, such as \"checkout\"")
	}
	for _, v := range []struct{ path, version string }{{"From", r.From}, {"To", r.To}} {
		switch {
		case v.version == "":
			report(v.path, "is empty: a rollout needs to know both versions, or it could not be taken back")
		case moving(v.version):
			report(v.path, fmt.Sprintf("%q is a moving tag: name an immutable version, such as a digest or v42", v.version))
		}
	}
	if r.From != "" && r.From == r.To {
		report("To", fmt.Sprintf("%q is the version that is to be replaced", r.To))
	}
}
