package rollback

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// DefaultArtifactName is how the files of an ArtifactDir are named.
const DefaultArtifactName = "{service}-{version}.tar.gz"

// ArtifactDir is a folder with one file for each version:
//
//	rollback.ArtifactDir{Dir: "/srv/artifacts"}                                  // checkout-v42.tar.gz
//	rollback.ArtifactDir{Dir: "/srv/artifacts", Name: "{service}/{version}.img"} // checkout/v42.img
type ArtifactDir struct {
	// Dir is the folder.
	Dir string
	// Name is the path of a file in it, with slashes, in which {service} and {version}
	// stand for their names; {version} must be there. Empty means DefaultArtifactName,
	// for which "a-b" in version "c" is "a" in version "b-c": have a slash between the two
	// where services may be named like that.
	Name string
}

// Open opens the file. Nothing outside the folder is opened, by no name and no link, and
// nothing that is no regular file. A file that is not there is fs.ErrNotExist.
func (a ArtifactDir) Open(_ context.Context, service, version string) (io.ReadCloser, error) {
	name, err := a.name(service, version)
	if err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(a.Dir)
	if err != nil {
		return nil, fmt.Errorf("the folder of the artifacts: %w", err)
	}
	defer root.Close()
	info, err := root.Stat(name) // opening a named pipe would wait
	if err != nil {
		return nil, in(a.Dir, err)
	}
	if !info.Mode().IsRegular() {
		return nil, in(a.Dir, fmt.Errorf("%s is no regular file", name))
	}
	file, err := root.Open(name)
	if err != nil {
		return nil, in(a.Dir, err)
	}
	return file, nil
}

func in(dir string, err error) error { return fmt.Errorf("in %s: %w", dir, err) }

// name returns the file of a version, in the folder.
func (a ArtifactDir) name(service, version string) (string, error) {
	name := a.Name
	if name == "" {
		name = DefaultArtifactName
	}
	switch {
	case a.Dir == "":
		return "", errors.New("the folder of the artifacts has no name")
	case !strings.Contains(name, "{version}"):
		return "", fmt.Errorf("the name of the artifacts, %q, has no {version}", name)
	}
	for _, part := range []string{service, version} {
		if part == "" || part == "." || part == ".." || strings.ContainsAny(part, "/\\\x00") {
			return "", fmt.Errorf("%q can't be part of a file's name", part)
		}
	}
	return strings.NewReplacer("{service}", service, "{version}", version).Replace(name), nil
}
