package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// host is a machine: a directory with an app.conf, which an app loads. Nothing
// in this file knows of rollouts.
type host string

func (h host) conf() string { return filepath.Join(string(h), "app.conf") }

// config returns the app.conf of a version. That of v3 was made by a query that
// gave every row twice: well-formed, and more than the app can take.
func config(version string) string {
	rows := strings.Repeat("feature = on\n", 120)
	if version == "v3" {
		rows += rows
	}
	return "version = " + version + "\n" + rows
}

// install replaces app.conf: whatever dies meanwhile, there is the old file or
// the new one, whole. Copying takes a while; a process that is killed in the
// middle leaves half a file beside, which the next install writes over.
func (h host) install(ctx context.Context, content string, takes time.Duration) error {
	next, half := h.conf()+".new", len(content)/2
	f, err := os.Create(next)
	if err != nil {
		return err
	}
	_, err = f.WriteString(content[:half])
	select {
	case <-time.After(takes):
		_, err2 := f.WriteString(content[half:])
		err = errors.Join(err, err2, f.Sync())
	case <-ctx.Done():
		err = ctx.Err()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, os.Remove(next))
	}
	if err := os.Rename(next, h.conf()); err != nil {
		return err
	}
	folder, err := os.Open(string(h))
	if err != nil {
		return err
	}
	defer folder.Close()
	return folder.Sync() // or a power cut could bring the old file back
}

// load is what the app does with app.conf: it comes up, or says why it cannot.
// It has room for 200 features, on the newest machine for 300.
func (h host) load() (version string, err error) {
	content, err := os.ReadFile(h.conf())
	if err != nil {
		return "", err
	}
	room := 200
	if filepath.Base(string(h)) == "01" {
		room = 300
	}
	head, rows, _ := strings.Cut(string(content), "\n")
	version, ok := strings.CutPrefix(head, "version = ")
	if n := strings.Count(rows, "feature = on\n"); !ok || n > room {
		return version, fmt.Errorf("%q with %d features, and room for %d", head, n, room)
	}
	return version, nil
}
