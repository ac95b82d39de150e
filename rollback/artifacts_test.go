package rollback_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/rollback"
)

// closer is a reader whose Close says what it is told to.
type closer struct {
	io.Reader
	err error
}

func (c closer) Close() error { return c.err }

// GitLab, 31 January 2017: of five backups none could be restored. One was never
// written, one was empty, one could not be read; nobody had looked.
func TestFiveBackupsNoneOfThemGood(t *testing.T) {
	t.Parallel()
	half := io.MultiReader(strings.NewReader("half of it"), iotest.ErrReader(errors.New("the disk is broken")))
	for want, artifacts := range map[string]rollback.Artifacts{
		"checkout v41: file does not exist [": shelf{},
		"it is empty [":                       shelf{"checkout v41": ""},
		"after 10 bytes: the disk is broken":  opens(io.NopCloser(half)),
		"its bytes are not those that were deployed: it was sha256:6a06be06": shelf{"checkout v41": "another one"},
		"after 3 bytes: it was cut short":                                    opens(closer{strings.NewReader("one"), errors.New("it was cut short")}),
		"Open returned nil":                                                  opens(nil),
		"the function is nil":                                                rollback.ArtifactsFunc(nil),
		"reading it panicked: oops":                                          rollback.ArtifactsFunc(func(context.Context, string, string) (io.ReadCloser, error) { panic("oops") }),
	} {
		r := registry(t)
		r.Artifacts = shelf{"checkout v41": "v41"}
		require.NoError(t, r.Deployed(t.Context(), "checkout", "v41", "r41", monday))
		require.NoError(t, r.CheckArtifact(t.Context(), "checkout", "v41"))
		r.Artifacts = artifacts
		err := r.CheckArtifact(t.Context(), "checkout", "v41")
		require.ErrorContains(t, err, want)
		var wrong *rollback.ArtifactError
		require.ErrorAs(t, err, &wrong)
		require.ErrorIs(t, err, rollback.ErrArtifact)
		require.NotEmpty(t, wrong.Hint)
	}
	r := registry(t)
	require.ErrorContains(t, r.CheckArtifact(t.Context(), "checkout", "v41"), "the registry has no Artifacts to tell")
	require.ErrorContains(t, r.CheckArtifact(t.Context(), "", "v41"), "the service is empty")
}

func opens(what io.ReadCloser) rollback.Artifacts {
	return rollback.ArtifactsFunc(func(context.Context, string, string) (io.ReadCloser, error) { return what, nil })
}

// An artifact without an end is read no longer than the ctx allows.
func TestReadingAnArtifactEndsWithItsContext(t *testing.T) {
	t.Parallel()
	r := registry(t)
	r.Artifacts = opens(closer{Reader: endless{}})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, r.CheckArtifact(ctx, "checkout", "v1"), context.DeadlineExceeded)
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

func TestPrecheck(t *testing.T) {
	t.Parallel()
	ctx, r := t.Context(), registry(t)
	store := shelf{"checkout v41": "old", "checkout v42": "new"}
	r.Artifacts = store
	require.NoError(t, r.Deployed(ctx, "checkout", "v41", "r41", monday))
	require.NoError(t, r.Precheck(ctx, "checkout", "v41", "v42"))

	store["checkout v42"] = "old"
	err := r.Precheck(ctx, "checkout", "v41", "v42")
	require.ErrorIs(t, err, rollback.ErrArtifact)
	require.ErrorContains(t, err, "it is the same, byte for byte, as that of v42")

	delete(store, "checkout v42")
	store["checkout v41"] = "changed"
	require.NoError(t, r.MarkBad(ctx, "checkout", "v41", "", "alice", "loses orders"))
	require.NoError(t, r.MarkBad(ctx, "checkout", "v42", "", "alice", "loses more orders"))
	err = r.Precheck(ctx, "checkout", "v41", "v42")
	var all *rollback.PrecheckError
	require.ErrorAs(t, err, &all)
	require.Len(t, all.Problems, 4, "all at once")
	require.Equal(t, []string{"checkout", "v41", "v42"}, []string{all.Service, all.From, all.To})
	require.ErrorIs(t, err, rollback.ErrBadVersion)
	require.ErrorIs(t, err, fs.ErrNotExist)
	for _, want := range []string{"checkout could not be taken back from v42 to v41: ", "checkout v41, since", "not those that were deployed", "checkout v42, since", "file does not exist"} {
		require.ErrorContains(t, err, want)
	}
}

func TestPrecheckOfWhatHasNoWayBack(t *testing.T) {
	t.Parallel()
	ctx, r := t.Context(), registry(t)
	require.ErrorContains(t, r.Precheck(ctx, "checkout", "", "v1"), "the version to go back to is empty")
	require.ErrorContains(t, r.Precheck(ctx, "checkout", "v1", "v1"), "from v1 to the same version")
	require.ErrorContains(t, r.Precheck(ctx, "checkout", "v1", "v2"), "the registry has no Artifacts to tell")
	require.NoError(t, os.WriteFile(r.Path, []byte("something else"), 0o600))
	require.ErrorIs(t, r.Precheck(ctx, "checkout", "v1", "v2"), rollback.ErrRegistryCorrupt)
	require.ErrorIs(t, r.CheckArtifact(ctx, "checkout", "v1"), rollback.ErrRegistryCorrupt)
}

func TestArtifactDir(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	outside := filepath.Join(t.TempDir(), "outside")
	for path, text := range map[string]string{
		outside:                                     "secret",
		filepath.Join(dir, "checkout-v1.tar.gz"):    "one",
		filepath.Join(dir, "checkout", "v1@{x}"):    "in a folder",
		filepath.Join(dir, "{version}-v1.tar.gz"):   "oddly named",
		filepath.Join(dir, "folder-v1.tar.gz/file"): "no artifact itself",
	} {
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	}
	read := func(a rollback.ArtifactDir, service, version string) (string, error) {
		from, err := a.Open(t.Context(), service, version)
		if err != nil {
			require.Nil(t, from)
			return "", err
		}
		defer from.Close()
		var text bytes.Buffer
		_, err = io.Copy(&text, from)
		return text.String(), err
	}
	plain := rollback.ArtifactDir{Dir: dir}
	text, err := read(plain, "checkout", "v1")
	require.NoError(t, err)
	require.Equal(t, "one", text)
	text, err = read(rollback.ArtifactDir{Dir: dir, Name: "{service}/{version}"}, "checkout", "v1@{x}")
	require.NoError(t, err)
	require.Equal(t, "in a folder", text)
	text, err = read(plain, "{version}", "v1")
	require.NoError(t, err)
	require.Equal(t, "oddly named", text, "names are not patterns")

	_, err = read(plain, "checkout", "v2")
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.ErrorContains(t, err, dir)
	require.ErrorContains(t, err, "checkout-v2.tar.gz")
	_, err = read(rollback.ArtifactDir{Dir: filepath.Join(dir, "none")}, "checkout", "v1")
	require.ErrorContains(t, err, "the folder of the artifacts: ")
	_, err = read(rollback.ArtifactDir{}, "checkout", "v1")
	require.ErrorContains(t, err, "the folder of the artifacts has no name")
	_, err = read(rollback.ArtifactDir{Dir: dir, Name: "{service}"}, "checkout", "v1")
	require.ErrorContains(t, err, "has no {version}")
	_, err = read(plain, "folder", "v1")
	require.ErrorContains(t, err, "is no regular file")

	for _, name := range []string{"", ".", "..", "../outside", `..\outside`, "a/b", "a\x00"} {
		_, err = read(rollback.ArtifactDir{Dir: dir, Name: "{version}"}, "checkout", name)
		require.ErrorContains(t, err, "can't be part of a file's name")
	}
	for _, pattern := range []string{"../{version}", "/{version}", "checkout/../../{version}"} {
		_, err = read(rollback.ArtifactDir{Dir: dir, Name: pattern}, "checkout", "outside")
		require.Error(t, err, pattern)
		require.NotErrorIs(t, err, fs.ErrNotExist, pattern)
	}
	if os.Symlink(outside, filepath.Join(dir, "checkout-link.tar.gz")) == nil {
		_, err = read(plain, "checkout", "link")
		require.ErrorContains(t, err, "escapes")
	}
}
