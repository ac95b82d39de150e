package guardrails

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
)

// Artifact is how large something is that is deployed: a generated configuration, a
// rule set, a table.
type Artifact struct {
	// Bytes is its size.
	Bytes int64
	// Entries is how many things are in it: features, rules, addresses. Zero where
	// nobody counts.
	Entries int64
}

// String returns the figures, such as "4096 bytes, 60 entries".
func (a Artifact) String() string {
	if a.Entries == 0 {
		return fmt.Sprintf("%d bytes", a.Bytes)
	}
	return fmt.Sprintf("%d bytes, %d entries", a.Bytes, a.Entries)
}

// ArtifactFile measures a file for MaxDiff, whatever the action. Count says how many
// entries are in it, such as CountLines; nil means that nobody counts. A file that is
// not there is an fs.ErrNotExist, and what is no regular file is an error.
func ArtifactFile(path string, count func(io.Reader) (int64, error)) func(context.Context, Action) (Artifact, error) {
	return func(ctx context.Context, _ Action) (Artifact, error) {
		info, err := os.Stat(path) // opening a named pipe would wait
		if err != nil {
			return Artifact{}, err
		}
		if !info.Mode().IsRegular() {
			return Artifact{}, fmt.Errorf("%s is no regular file", path)
		}
		file, err := os.Open(path)
		if err != nil {
			return Artifact{}, err
		}
		defer file.Close()
		if info, err = file.Stat(); err != nil {
			return Artifact{}, err
		}
		a := Artifact{Bytes: info.Size()}
		if count != nil {
			if a.Entries, err = count(&heedful{ctx, file}); err != nil {
				return Artifact{}, fmt.Errorf("counting the entries of %s: %w", path, err)
			}
		}
		return a, nil
	}
}

// CountLines counts the lines that are not empty.
func CountLines(r io.Reader) (n int64, err error) {
	buffered := bufio.NewReaderSize(r, 64<<10)
	filled := false // the line so far
	for {
		part, err := buffered.ReadSlice('\n')
		for _, c := range part {
			if c > ' ' {
				filled = true
				break
			}
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			if filled {
				n++
			}
			filled = false
		}
		switch {
		case errors.Is(err, io.EOF):
			return n, nil
		case err != nil && !errors.Is(err, bufio.ErrBufferFull):
			return n, err
		}
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
