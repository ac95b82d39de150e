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

// maxFileReason is how much of a switch file is read, in bytes.
const maxFileReason = 1024

// File returns a source that says trip while the path exists, so that
//
//	echo "bad orders, bob" > /run/checkout.stop
//
// stops everything that watches it. The first 1024 bytes of the file are the
// reason. Whatever exists there counts, readable or not: a directory, a
// dangling link, an empty file. It counts at once, so a file that is seen before
// it is written has no reason to give; rename a whole one into place where that
// matters.
//
// When the folder of the path is missing too, nobody could have made the file,
// as with a volume that is not mounted. That, and every other error but "does
// not exist", is an error of Read. A relative path is taken from the working
// directory of now.
func File(path string) SwitchSource {
	if abs, err := filepath.Abs(path); err == nil && path != "" {
		path = abs
	}
	return fileSource(path)
}

type fileSource string

// Name returns "file" and the path.
func (f fileSource) Name() string { return "file " + string(f) }

// Read looks whether the file exists. A file system that hangs hangs it: the
// switch sees to that.
func (f fileSource) Read(context.Context) (tripped bool, reason string, err error) {
	path := string(f)
	if path == "" {
		return false, "", errors.New("the file has no path")
	}
	_, err = os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Stat(filepath.Dir(path)); err != nil {
			return false, "", fmt.Errorf("its folder: %w", err)
		}
		return false, "", nil
	}
	if err != nil {
		return false, "", err
	}
	content, err := head(path)
	switch {
	case err != nil:
		return true, fmt.Sprintf("the file exists (%v)", err), nil
	case content == "":
		return true, "the file exists", nil
	}
	return true, content, nil
}

// head returns the beginning of a regular file. It opens nothing else: a named
// pipe would wait for a writer.
func head(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() {
		return "", errors.New("it is no regular file")
	}
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, maxFileReason))
	return plainText(string(content)), err
}
