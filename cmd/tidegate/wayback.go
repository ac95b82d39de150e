package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/tidegate-go/tidegate/rollback"
)

// wayBack is how what a program does is taken back. Without a path there is none.
type wayBack struct {
	stack *rollback.Stack
	path  string
}

// wayBack puts the undo of a command line on disk.
func (e execute) wayBack(dir stateDir, undo []string) (*wayBack, error) {
	if len(undo) == 0 {
		return &wayBack{}, nil
	}
	folder := filepath.Join(string(dir), "undo")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, refusedf("--undo: %v", err)
	}
	wd, err := os.Getwd()
	if err != nil {
		return nil, refusedf("--undo: %v", err)
	}
	name := strings.Trim(notInNames.ReplaceAllString(filepath.Base(e.Command[0]), "-"), "-._")
	sum := sha256.Sum256([]byte(strings.Join(append([]string{wd, e.Undo}, e.Command...), "\x00")))
	path := filepath.Join(folder, name[:min(len(name), 40)]+"-"+hex.EncodeToString(sum[:6])+".undo")
	stack, err := rollback.Create(path)
	switch {
	case errors.Is(err, rollback.ErrPending):
		return nil, refusedf("an earlier run was not undone: look at what it did, then tidegate unwind %s", path)
	case errors.Is(err, rollback.ErrInUse):
		return nil, refusedf("the same command line runs already")
	case err != nil:
		return nil, refused{err.Error()}
	}
	if err := stack.PushCommand(rollback.Command{Args: undo}); err != nil {
		return nil, refused{errors.Join(err, stack.Close()).Error()}
	}
	return &wayBack{stack, path}, nil
}

// commit keeps what was done.
func (w *wayBack) commit() error {
	if w.stack == nil {
		return nil
	}
	return w.stack.Commit()
}

// unwind takes back what was done.
func (w *wayBack) unwind() error { return w.stack.Unwind(context.Background()) }

func (w *wayBack) close() {
	if w.stack != nil {
		_ = w.stack.Close() // what is on disk is there
	}
}
