package guardrails

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/gofrs/flock"
)

// BreakerReset is a human's word that the rollouts of a service may go on.
type BreakerReset struct {
	At      time.Time `json:"at"`
	Service string    `json:"service"`
	Actor   string    `json:"actor"`
	Reason  string    `json:"reason"`
}

// Reset lets rollouts of the service begin again. Both actor and reason are needed, or
// it is ErrUnsigned. When it returns nil, the reset is on the disk and outlives a
// crash; else the breaker is as it was, or, after a failed fsync, as it will be found.
func (b Breaker) Reset(service, actor, reason string) error {
	if b.Resets == "" {
		return errors.New("guardrails: the breaker has no file for resets")
	}
	if service == "" {
		return errors.New("guardrails: the reset of a breaker needs the name of a service")
	}
	actor, reason, err := sign(actor, reason)
	if err != nil {
		return fmt.Errorf("%w to reset the breaker", err)
	}
	if err := addReset(b.Resets, BreakerReset{Service: service, Actor: actor, Reason: reason}); err != nil {
		return fmt.Errorf("guardrails: reset the breaker of %s: %w", service, err)
	}
	return nil
}

// ResetRecords returns all resets of all services, oldest first.
func (b Breaker) ResetRecords() ([]BreakerReset, error) { return readResets(b.Resets) }

// addReset writes the file anew, with one reset more, and puts it in the place of the
// old one: a crash leaves the one or the other. An OS lock keeps others from doing so
// meanwhile.
func addReset(path string, reset BreakerReset) error {
	ctx, cancel := context.WithTimeout(context.Background(), askPatience)
	defer cancel()
	lock := flock.New(path + ".lock")
	if _, err := lock.TryLockContext(ctx, 10*time.Millisecond); err != nil {
		return fmt.Errorf("lock %s: %w", lock.Path(), err)
	}
	defer lock.Close()
	all, err := readResets(path)
	if err != nil {
		return err
	}
	reset.At = time.Now().UTC()
	var out bytes.Buffer
	to := json.NewEncoder(&out)
	for _, r := range append(all, reset) {
		if err := to.Encode(r); err != nil {
			return err
		}
	}
	return replaceFile(path, out.Bytes())
}

// replaceFile puts a file in the place of another, durably and all at once.
func replaceFile(path string, data []byte) error {
	folder := filepath.Dir(path)
	f, err := os.CreateTemp(folder, "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // it is not there any more if all went well
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	if runtime.GOOS == "windows" {
		return nil // it cannot sync a folder
	}
	d, err := os.Open(folder)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// readResets reads the file. One that is not there has none, if its folder is.
func readResets(path string) (all []BreakerReset, err error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Stat(filepath.Dir(path)); err != nil {
			return nil, fmt.Errorf("its folder: %w", err)
		}
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return readLines[BreakerReset](path, data, func(r BreakerReset) error {
		if r.At.IsZero() || r.Service == "" || r.Actor == "" || r.Reason == "" {
			return errors.New("a reset needs at, service, actor and reason")
		}
		return nil
	})
}

// lastReset returns the latest reset of a service, zero if there is none.
func lastReset(path, service string) (last BreakerReset, err error) {
	all, err := readResets(path)
	for _, r := range all {
		if r.Service == service && r.At.After(last.At) {
			last = r
		}
	}
	return last, err
}
