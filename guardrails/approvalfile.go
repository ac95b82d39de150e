package guardrails

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// maxApprovals is how long a file of approvals may be, in bytes.
const maxApprovals = 4 << 20

// ApprovalFile returns a source for an Approval that reads a file with one JSON object
// a line:
//
//	{"at":"2026-07-01T12:00:00Z","actor":"bob","plan":"3fa9c2…","reason":"looks right"}
//
// A file that is not there has no approvals, if its folder is. A line that is not
// understood is an error, and then nothing counts. The file says who has approved, and
// does not prove it: let only those write it whom you believe that.
func ApprovalFile(path string) func(ctx context.Context) ([]Approved, error) {
	return func(context.Context) ([]Approved, error) {
		f, err := os.Open(path)
		if errors.Is(err, fs.ErrNotExist) {
			if _, err := os.Stat(filepath.Dir(path)); err != nil {
				return nil, fmt.Errorf("its folder: %w", err)
			}
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		defer f.Close()
		data, err := io.ReadAll(io.LimitReader(f, maxApprovals+1))
		if err != nil {
			return nil, err
		}
		if len(data) > maxApprovals {
			return nil, fmt.Errorf("%s is longer than %d bytes", path, maxApprovals)
		}
		return readLines(path, data, func(one Approved) error {
			if one.At.IsZero() || person(one.Actor) == "" || one.Plan == "" {
				return errors.New("an approval needs at, actor and plan")
			}
			return nil
		})
	}
}
