package rollback

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// ledger is what the lines of a registry come to. It is pure: the same facts in the same
// order make the same ledger.
type ledger struct {
	lines    int
	services map[string]*history
}

// history is what is known of one service.
type history struct {
	deployed []*deployment // by time; those at the same time as they were written
	by       map[deployer]*deployment
	standing map[string]*standing
}

// deployer tells deployments apart.
type deployer struct{ version, rollout string }

// deployment is that the whole fleet began to run a version.
type deployment struct {
	version, rollout string
	at               time.Time
	digest           Digest // zero if nobody knows
	line             int
}

// standing is what was said of a version.
type standing struct {
	bad    *fact // the first that marked it since it was cleared; nil if it is not bad
	line   int   // of the last word
	at     time.Time
	marked map[string]bool // by which rollouts, ever
}

// take takes in the fact of the next line.
func (l *ledger) take(f fact) error {
	l.lines++
	if (l.lines == 1) != (f.Kind == factRegistry) {
		return errors.New("only the first line may, and must, tell the format")
	}
	if f.Kind == factRegistry {
		if f.Format != registryFormat {
			return fmt.Errorf("its format is %d, and only %d is known here: a newer version may have written it", f.Format, registryFormat)
		}
		return nil
	}
	if f.Service == "" || f.Version == "" || f.At.IsZero() {
		return errors.New("it has no service, no version or no time")
	}
	h := l.history(f.Service)
	switch f.Kind {
	case factDeployed:
		return h.takeDeployed(f, l.lines)
	case factArtifact:
		return h.takeArtifact(f)
	case factBad, factCleared:
		return h.takeWord(f, l.lines)
	}
	return fmt.Errorf("it is of a kind that is not known here, %q", f.Kind)
}

func (l *ledger) history(service string) *history {
	if l.services == nil {
		l.services = make(map[string]*history)
	}
	h := l.services[service]
	if h == nil {
		h = &history{by: make(map[deployer]*deployment), standing: make(map[string]*standing)}
		l.services[service] = h
	}
	return h
}

func (h *history) takeDeployed(f fact, line int) error {
	if f.Rollout == "" {
		return errors.New("it deploys without a rollout")
	}
	by := deployer{f.Version, f.Rollout}
	if h.by[by] != nil {
		return nil
	}
	d := &deployment{version: f.Version, rollout: f.Rollout, at: f.At, line: line}
	h.by[by] = d
	// A runner that was down for long may tell late.
	i := len(h.deployed)
	for i > 0 && h.deployed[i-1].at.After(f.At) {
		i--
	}
	h.deployed = slices.Insert(h.deployed, i, d)
	return nil
}

func (h *history) takeArtifact(f fact) error {
	digest := Digest{SHA256: f.SHA256, Bytes: f.Bytes}
	d := h.by[deployer{f.Version, f.Rollout}]
	if d == nil || !digest.valid() {
		return errors.New("it has no digest, or one of what was not deployed")
	}
	if d.digest.IsZero() { // the bytes of a deployment do not change later
		d.digest = digest
	}
	return nil
}

// takeWord takes in that a version is bad, or is not.
func (h *history) takeWord(f fact, line int) error {
	if f.Actor == "" || f.Reason == "" {
		return errors.New("it has no actor or no reason")
	}
	s := h.standing[f.Version]
	if s == nil {
		s = &standing{marked: make(map[string]bool)}
		h.standing[f.Version] = s
	}
	if f.Kind == factBad {
		if s.bad == nil {
			s.bad = &f
		}
		if f.Rollout != "" {
			s.marked[f.Rollout] = true
		}
	} else {
		if s.bad == nil {
			return errors.New("it clears what is not marked bad")
		}
		s.bad = nil
	}
	s.line = line
	if f.At.After(s.at) {
		s.at = f.At
	}
	return nil
}

// proves tells whether a deployment counts. What was said of the version, bad or
// cleared, voids what was deployed before: by its time, or by its place in the file,
// since clocks differ.
func (h *history) proves(d *deployment) bool {
	s := h.standing[d.version]
	return s == nil || (d.line > s.line && d.at.After(s.at))
}

// digest returns of what bytes a version was when it was last deployed.
func (h *history) digest(version string) Digest {
	for _, d := range slices.Backward(h.deployed) {
		if d.version == version && !d.digest.IsZero() {
			return d.digest
		}
	}
	return Digest{}
}

// deployment returns the deployment of a version by a rollout, nil if there is none.
func (l *ledger) deployment(service, version, rollout string) *deployment {
	if h := l.services[service]; h != nil {
		return h.by[deployer{version, rollout}]
	}
	return nil
}

// digest returns of what bytes a version was when it was last deployed.
func (l *ledger) digest(service, version string) Digest {
	if h := l.services[service]; h != nil {
		return h.digest(version)
	}
	return Digest{}
}

// word returns what was said of a version, nil if nothing was.
func (l *ledger) word(service, version string) *standing {
	if h := l.services[service]; h != nil {
		return h.standing[version]
	}
	return nil
}

// bad returns who marked a version bad, nil if it is not.
func (l *ledger) bad(service, version string) *fact {
	if s := l.word(service, version); s != nil {
		return s.bad
	}
	return nil
}
