package rollback

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Defaults of a Registry.
const (
	// DefaultDepth is how many known-good versions of a service are kept.
	DefaultDepth = 5
	// DefaultGoodAfter is how long the whole fleet has to run a version before it is
	// known to be good.
	DefaultGoodAfter = 24 * time.Hour
)

// Registry remembers which versions of a service are known to be good, and which are
// known to be bad. It is a file, so that what one rollout has learned the next one
// knows, in another process and after a crash.
//
// A version is known to be good when the whole fleet has run it for as long as Bake,
// and nobody has marked it bad, then or later. That is much longer than the bake of
// the gate that let it pass, and on purpose: what breaks after the gate has passed
// must not have become the version to go back to. A version that was replaced before
// its time was up was never proven.
//
// A version that is marked bad is refused (CheckVersion) until somebody clears it.
// Being cleared does not make it good: its bake begins anew when it is deployed again.
//
// The file has a JSON object on each line, so it can be read with any tool. It is only
// ever appended to, and each line is on disk (fsync) before the call that wrote it
// returns. Every line has a checksum that goes on from the one before, so that a line
// that was changed, taken out, put in or moved is found, and is ErrRegistryCorrupt. Who
// cuts off whole lines at the end, or takes the file away, is not found out. A torn last
// line, which a crash leaves, is cut off: nobody was told that it was there.
//
// The methods may be called by many goroutines and many processes of one machine at a
// time; a lock file next to the file, which stays, makes them take turns. Both belong on
// a local disk. The fields must not be changed after the first call.
//
// A call whose ctx is cancelled before its turn writes nothing. So who records what has
// happened, in a program that is being stopped, gives it a ctx that is not.
type Registry struct {
	// Path is the file. It is made, with mode 0600, by the first that writes to it; the
	// folder must exist, to read as well. A file that is not there is an empty registry.
	Path string
	// Depth is how many known-good versions of each service KnownGood returns at most.
	// Zero means DefaultDepth.
	Depth int
	// Bake is how long the whole fleet has to run a version before it is known to be
	// good. Zero means DefaultGoodAfter.
	Bake time.Duration
	// Artifacts opens what is deployed. Nil means that nobody can tell whether a version
	// still exists: CheckArtifact and Precheck fail.
	Artifacts Artifacts
}

// Deployed records that since at the whole fleet runs a version, which a rollout has
// brought: one that completed, or one that was rolled back to it. The first Deployed of
// a service may name a rollout that never was, such as "before tidegate".
//
// If Artifacts is set, the artifact is read to its end, after the deployment is on
// record, and its size and SHA-256 are recorded, too. An ErrArtifact says that this
// could not be done, or that the same version had other bytes the last time it was
// deployed; the deployment is on record all the same. A version whose bytes are not the
// same is not the same version: its bake begins anew.
//
// Called again for the same rollout and version, as after a crash, it only adds what is
// missing.
func (r *Registry) Deployed(ctx context.Context, service, version, rollout string, at time.Time) error {
	err := errors.Join(r.problem(), named("service", service), named("version", version), named("rollout", rollout))
	if at.IsZero() {
		err = errors.Join(err, errors.New("it has no time"))
	}
	if err != nil {
		return fmt.Errorf("rollback: the deployment is not recorded: %w", err)
	}
	missing := false
	err = r.update(ctx, func(l *ledger) []fact {
		d := l.deployment(service, version, rollout)
		missing = d == nil || d.digest.IsZero()
		if d != nil {
			return nil
		}
		return []fact{{Kind: factDeployed, At: at, Service: service, Version: version, Rollout: rollout}}
	})
	if err != nil {
		return fmt.Errorf("rollback: the deployment of %s %s is not recorded: %w", service, version, err)
	}
	if r.Artifacts == nil || !missing {
		return nil
	}
	return r.recordDigest(ctx, service, version, rollout)
}

// recordDigest records of what bytes a deployment is.
func (r *Registry) recordDigest(ctx context.Context, service, version, rollout string) error {
	found, err := digestOf(ctx, r.Artifacts, service, version)
	if err != nil {
		return err
	}
	var before Digest
	err = r.update(ctx, func(l *ledger) []fact {
		if d := l.deployment(service, version, rollout); d == nil || !d.digest.IsZero() {
			return nil // another process was faster
		}
		before = l.digest(service, version)
		return []fact{{
			Kind: factArtifact, At: time.Now(), Service: service, Version: version, Rollout: rollout,
			SHA256: found.SHA256, Bytes: found.Bytes,
		}}
	})
	if err != nil {
		return fmt.Errorf("rollback: the artifact of %s %s is not recorded: %w", service, version, err)
	}
	return changed(service, version, before, found)
}

// problem says what is wrong with the fields.
func (r *Registry) problem() error {
	if r == nil {
		return errors.New("there is no registry")
	}
	var err error
	if r.Path == "" {
		err = errors.New("the registry has no Path")
	}
	if r.Depth < 0 {
		err = errors.Join(err, fmt.Errorf("the registry's Depth is negative (%d)", r.Depth))
	}
	if r.Bake < 0 {
		err = errors.Join(err, fmt.Errorf("the registry's Bake is negative (%v)", r.Bake))
	}
	return err
}

// named says what is wrong with a name. What JSON would not give back as it was is
// refused: a version that is marked bad has to be found again.
func named(what, name string) error {
	switch {
	case strings.TrimSpace(name) == "":
		return fmt.Errorf("the %s is empty", what)
	case len(name) > maxName:
		return fmt.Errorf("the %s is longer than %d bytes", what, maxName)
	case !utf8.ValidString(name), strings.TrimSpace(name) != name, strings.ContainsFunc(name, unicode.IsControl):
		return fmt.Errorf("the %s, %q, has spaces around it, or is no plain text", what, name)
	}
	return nil
}

// maxName is how long a name may be, in bytes.
const maxName = 4 << 10
