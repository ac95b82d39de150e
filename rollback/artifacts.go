package rollback

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
)

// ErrArtifact says that the artifact of a version is missing, empty, can't be read to
// its end, or is not what was deployed.
var ErrArtifact = errors.New("rollback: the artifact is not as it has to be")

// Artifacts opens what is deployed when a version is: an archive, an image, a rendered
// configuration. The same version is the same bytes each time. The reader is closed by
// who opened it; its Read should end when ctx does. Open is called by many goroutines.
type Artifacts interface {
	Open(ctx context.Context, service, version string) (io.ReadCloser, error)
}

// ArtifactsFunc is a function as Artifacts.
type ArtifactsFunc func(ctx context.Context, service, version string) (io.ReadCloser, error)

// Open calls the function.
func (f ArtifactsFunc) Open(ctx context.Context, service, version string) (io.ReadCloser, error) {
	if f == nil {
		return nil, errors.New("there is nothing to open it with: the function is nil")
	}
	return f(ctx, service, version)
}

// Digest tells artifacts apart.
type Digest struct {
	// SHA256 is the checksum of all bytes, in hexadecimal digits.
	SHA256 string
	// Bytes is how many there are.
	Bytes int64
}

// IsZero tells that nobody knows.
func (d Digest) IsZero() bool { return d == Digest{} }

// String returns it in the usual form, such as "sha256:2c26b4..., 4096 bytes", in full.
func (d Digest) String() string {
	if d.IsZero() {
		return "unknown"
	}
	return fmt.Sprintf("sha256:%s, %d bytes", d.SHA256, d.Bytes)
}

// valid tells whether there can be such an artifact.
func (d Digest) valid() bool {
	sum, err := hex.DecodeString(d.SHA256)
	return err == nil && len(sum) == sha256.Size && d.Bytes > 0
}

// ArtifactError is what is wrong with an artifact. It is ErrArtifact.
type ArtifactError struct {
	// Service and Version are whose artifact it is.
	Service, Version string
	// Recorded and Found tell what was deployed from what is there now, if that differs.
	Recorded, Found Digest
	// Err is what is wrong; for a file that is missing it is fs.ErrNotExist.
	Err error
	// Hint is what an operator can do.
	Hint string
}

// Error names the version and what is wrong, and has the hint.
func (e *ArtifactError) Error() string {
	return fmt.Sprintf("%v: %s %s: %v [%s]", ErrArtifact, e.Service, e.Version, e.Err, e.Hint)
}

// Unwrap returns ErrArtifact and the cause.
func (e *ArtifactError) Unwrap() []error { return []error{ErrArtifact, e.Err} }

// digestOf reads an artifact to its end. The error is an *ArtifactError.
func digestOf(ctx context.Context, from Artifacts, service, version string) (Digest, error) {
	d, err := readAll(ctx, from, service, version)
	if err != nil {
		return Digest{}, &ArtifactError{
			Service: service, Version: version, Err: err,
			Hint: "nobody can deploy this version, or go back to it, until it can be read: bring it back, or build it again from the same commit",
		}
	}
	return d, nil
}

func readAll(ctx context.Context, from Artifacts, service, version string) (d Digest, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("reading it panicked: %v", p)
		}
	}()
	opened, err := from.Open(ctx, service, version)
	if err != nil {
		return Digest{}, err
	}
	if opened == nil {
		return Digest{}, errors.New("there is nothing to read it from: Open returned nil")
	}
	sum := sha256.New()
	n, err := io.Copy(sum, &heedful{ctx, opened})
	// Some readers tell only at the end that what they gave was not whole.
	if err := errors.Join(err, opened.Close()); err != nil {
		return Digest{}, fmt.Errorf("after %d bytes: %w", n, err)
	}
	if n == 0 {
		return Digest{}, errors.New("it is empty")
	}
	return Digest{SHA256: hex.EncodeToString(sum.Sum(nil)), Bytes: n}, nil
}

// changed returns an *ArtifactError if an artifact is not what was recorded.
func changed(service, version string, recorded, found Digest) error {
	if recorded.IsZero() || recorded == found {
		return nil
	}
	return &ArtifactError{
		Service: service, Version: version, Recorded: recorded, Found: found,
		Err:  fmt.Errorf("its bytes are not those that were deployed: it was %v, and is %v", recorded, found),
		Hint: "a version must not change: find out who replaced it, bring the old bytes back, and give the new ones a version of their own",
	}
}

// heedful is a reader that ends with a context.
type heedful struct {
	ctx context.Context //nolint:containedctx // it lives for one call
	r   io.Reader
}

func (h *heedful) Read(p []byte) (int, error) {
	if h.ctx.Err() != nil {
		return 0, context.Cause(h.ctx)
	}
	return h.r.Read(p)
}
