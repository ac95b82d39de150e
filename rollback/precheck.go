package rollback

import (
	"context"
	"errors"
	"fmt"
)

// PrecheckError is all that is wrong with the way back.
type PrecheckError struct {
	// Service, From and To are the change that could not be taken back.
	Service, From, To string
	// Problems are all that were found: *BadVersionError, *ArtifactError and others.
	Problems []error
}

// Error says all problems.
func (e *PrecheckError) Error() string {
	return fmt.Sprintf("rollback: %s could not be taken back from %s to %s: %v", e.Service, e.To, e.From, errors.Join(e.Problems...))
}

// Unwrap returns the problems.
func (e *PrecheckError) Unwrap() []error { return e.Problems }

// CheckArtifact reads the artifact of a version to its end. It returns an *ArtifactError
// if that is missing, empty, can't be read, or is not of the bytes that were deployed,
// as far as that is on record. Without Artifacts it fails.
func (r *Registry) CheckArtifact(ctx context.Context, service, version string) error {
	err := errors.Join(r.problem(), named("service", service), named("version", version))
	var l *ledger
	if err == nil {
		l, err = r.read(ctx)
	}
	if err != nil {
		return fmt.Errorf("rollback: whether an artifact is what was deployed: %w", err)
	}
	_, err = r.checkArtifact(ctx, l, service, version)
	return err
}

func (r *Registry) checkArtifact(ctx context.Context, l *ledger, service, version string) (Digest, error) {
	if r.Artifacts == nil {
		return Digest{}, fmt.Errorf("rollback: whether %s %s still exists: the registry has no Artifacts to tell", service, version)
	}
	found, err := digestOf(ctx, r.Artifacts, service, version)
	if err != nil {
		return Digest{}, err
	}
	return found, changed(service, version, l.digest(service, version), found)
}

// Precheck proves, before a rollout, that there is a way back from it: that neither
// version is marked bad; that the artifacts of both exist, can be read to their end, and
// are what was deployed, if they were before; and that they differ, since going back to
// the same bytes takes nothing back. It reads both artifacts in full, which takes as long
// as that takes. The error is a *PrecheckError with all that was found, or says that the
// registry could not be read.
//
// Without Artifacts it fails: it is for who deploys none to call CheckVersion instead.
func (r *Registry) Precheck(ctx context.Context, service, from, to string) error {
	err := errors.Join(r.problem(), named("service", service), named("version to go back to", from), named("version to deploy", to))
	if err == nil && from == to {
		err = fmt.Errorf("it goes from %s to the same version", from)
	}
	var l *ledger
	if err == nil {
		l, err = r.read(ctx)
	}
	if err != nil {
		return fmt.Errorf("rollback: whether there is a way back: %w", err)
	}
	var problems []error
	found := make(map[string]Digest)
	for _, version := range []string{from, to} {
		digest, err := r.checkArtifact(ctx, l, service, version)
		found[version] = digest
		for _, err := range []error{l.refusal(service, version), err} {
			if err != nil {
				problems = append(problems, err)
			}
		}
	}
	if d := found[from]; !d.IsZero() && d == found[to] {
		problems = append(problems, &ArtifactError{
			Service: service, Version: from, Err: fmt.Errorf("it is the same, byte for byte, as that of %s", to),
			Hint: "going back would take nothing back: one of the two was stored under the wrong name",
		})
	}
	if len(problems) > 0 {
		return &PrecheckError{Service: service, From: from, To: to, Problems: problems}
	}
	return nil
}
