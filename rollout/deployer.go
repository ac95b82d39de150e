package rollout

import "context"

// A Deployer puts a release on one target: the version in release.To.
//
// Deploy must be idempotent: after a crash it is called again for a target
// whose outcome is unknown. A rollback is a Deploy of the previous version, with
// From and To exchanged. It is called from many goroutines at once, for
// different targets. It must return when ctx is done; one that does not is left
// behind after a grace, and its target counts as in doubt.
//
// A Deployer may also be a Versioner and a Prober.
type Deployer interface {
	Deploy(ctx context.Context, target Target, release Release) error
}

// DeployerFunc makes a function a Deployer.
type DeployerFunc func(ctx context.Context, target Target, release Release) error

// Deploy calls f.
func (f DeployerFunc) Deploy(ctx context.Context, target Target, release Release) error {
	return f(ctx, target, release)
}

// A Versioner is a Deployer that can ask a target what it runs. With one, every
// step is verified, a step whose target is there already is skipped, and a
// rollback is proved. Without one, a Deploy that returns nil is believed.
type Versioner interface {
	Version(ctx context.Context, target Target) (string, error)
}

// A Prober is a Deployer that can ask a target whether it is able to serve.
// With one, a step is done only when its target is healthy.
type Prober interface {
	Healthy(ctx context.Context, target Target) (bool, error)
}
