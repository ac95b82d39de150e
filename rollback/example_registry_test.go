package rollback_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/tidegate-go/tidegate/rollback"
)

// Before a rollout: is there a way back? After it: what has been learned?
func ExampleRegistry() {
	dir, err := os.MkdirTemp("", "registry")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	for _, version := range []string{"v41", "v42"} {
		if err := os.WriteFile(filepath.Join(dir, "checkout-"+version+".tar.gz"), []byte(version), 0o600); err != nil {
			fmt.Println(err)
			return
		}
	}
	ctx := context.Background()
	versions := rollback.Registry{
		Path:      filepath.Join(dir, "versions"),
		Artifacts: rollback.ArtifactDir{Dir: dir},
	}
	monday := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

	fmt.Println("recorded:", versions.Deployed(ctx, "checkout", "v41", "checkout-v41", monday))
	fmt.Println("precheck:", versions.Precheck(ctx, "checkout", "v41", "v42"))

	// v42 is rolled out, its error rate rises, and it is taken back.
	fmt.Println("marked:", versions.MarkBad(ctx, "checkout", "v42", "checkout-v42", "tidegate", "4 % errors"))
	fmt.Println("bad:", errors.Is(versions.CheckVersion(ctx, "checkout", "v42"), rollback.ErrBadVersion))

	known, err := versions.KnownGood(ctx, "checkout", monday.Add(48*time.Hour))
	for _, v := range known {
		fmt.Println("good:", v.ID, v.Stayed, v.Digest.Bytes, "bytes")
	}
	fmt.Println(err)
	// Output:
	// recorded: <nil>
	// precheck: <nil>
	// marked: <nil>
	// bad: true
	// good: v41 48h0m0s 3 bytes
	// <nil>
}

// Artifacts that are not in a folder: whatever can open them will do.
func ExampleArtifactsFunc() {
	store := rollback.ArtifactsFunc(func(_ context.Context, service, version string) (io.ReadCloser, error) {
		// This is where an object store or a registry of images is asked.
		return io.NopCloser(strings.NewReader("the bytes of " + service + " " + version)), nil
	})
	dir, err := os.MkdirTemp("", "registry")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	versions := rollback.Registry{Path: filepath.Join(dir, "versions"), Artifacts: store}
	fmt.Println(versions.CheckArtifact(context.Background(), "checkout", "v41"))
	// Output: <nil>
}
