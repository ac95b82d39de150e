package filejournal

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/gofrs/flock"
)

// record is what a lock file says in words about who took it last.
type record struct {
	// Epoch grows with every record in the file.
	Epoch uint64 `json:"epoch"`
	// Rollout is whom a service's lock belongs to; empty when it is free, and in
	// the lock of a rollout.
	Rollout string    `json:"rollout,omitempty"`
	PID     int       `json:"pid"`
	Host    string    `json:"host"`
	Since   time.Time `json:"since"`
}

// here is this process, now.
func here() record {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown host"
	}
	return record{PID: os.Getpid(), Host: host[:min(len(host), 255)], Since: time.Now().UTC().Truncate(time.Second)}
}

// process says which process wrote the record.
func (r record) process() string {
	if r.PID == 0 {
		return "a process that has not said yet who it is"
	}
	return fmt.Sprintf("process %d on %s", r.PID, r.Host)
}

// slotLen is the length of one record in a lock file, padded with spaces. There
// are two slots, written in turn: a crash can only damage the one that is being
// written, and the other still has the epoch before.
const slotLen = 1024

// lockFile is a file that this process holds an OS lock on.
type lockFile struct {
	path string
	lock *flock.Flock
	file *os.File // a second handle, for what is written in it
	info os.FileInfo
	now  record
	slot int // where the next record goes
	// damaged says that something is written in the file, but no record.
	damaged bool
}

var (
	// errTaken says that another has the OS lock.
	errTaken    = errors.New("taken by another process")
	errNoRecord = errors.New("no record of who took it")
)

// takeLock creates the file where needed and locks it. It never waits.
func takeLock(path string) (*lockFile, error) {
	l := &lockFile{path: path, lock: flock.New(path, flock.SetFlag(os.O_CREATE|os.O_RDWR))}
	ok, err := l.lock.TryLock()
	if err == nil && !ok {
		err = errTaken
	}
	if err != nil {
		return nil, err
	}
	if l.info, err = l.lock.Stat(); err == nil {
		l.file, err = os.OpenFile(path, os.O_RDWR, 0)
	}
	if err == nil && !l.mine() {
		err = errTaken // it was replaced since: whoever did that has the new one
	}
	if err == nil {
		l.now, l.slot, err = readRecord(l.file)
		l.damaged = errors.Is(err, errNoRecord)
	}
	if l.damaged {
		err = nil
	}
	if err != nil {
		return nil, errors.Join(err, l.drop())
	}
	return l, nil
}

// mine tells whether the path still leads to the file that is locked.
func (l *lockFile) mine() bool {
	now, err := os.Stat(l.path)
	return err == nil && os.SameFile(l.info, now)
}

// write makes r the file's record, durably.
func (l *lockFile) write(r record, disk disk) error {
	object, err := json.Marshal(r)
	if err != nil {
		return err
	}
	body := object[:len(object)-1]
	var sum checksum
	line := append(append(bytes.Clone(body), sumKey...), sum.of(nil, body)...)
	line = append(line, lineEnd...)
	if len(line) >= slotLen {
		return fmt.Errorf("a record of %d bytes does not fit", len(line))
	}
	line = append(line, bytes.Repeat([]byte{' '}, slotLen-1-len(line))...)
	line = append(line, '\n')
	if _, err := l.file.WriteAt(line, int64(l.slot)*slotLen); err != nil {
		return err
	}
	if err := disk.sync(l.file); err != nil {
		return err
	}
	l.now, l.slot = r, 1-l.slot
	return nil
}

// drop gives the OS lock up. The file stays.
func (l *lockFile) drop() error {
	err := l.lock.Unlock()
	if l.file != nil {
		err = errors.Join(err, l.file.Close())
	}
	return err
}

// readRecord returns the newest record, and the slot that the next one goes to.
// A file in which nothing was written yet has the zero record; in one with
// something else it is errNoRecord.
func readRecord(src io.Reader) (record, int, error) {
	data, err := io.ReadAll(io.LimitReader(src, 2*slotLen))
	if err != nil {
		return record{}, 0, err
	}
	var newest record
	free := 0
	for i := 0; i*slotLen < len(data); i++ {
		r, ok := parseRecord(data[i*slotLen : min(len(data), (i+1)*slotLen)])
		if ok && r.Epoch > newest.Epoch {
			newest, free = r, 1-i
		}
	}
	if newest.Epoch == 0 && len(bytes.Trim(data, "\x00")) > 0 {
		return record{}, 0, errNoRecord
	}
	return newest, free, nil
}

func parseRecord(slot []byte) (r record, ok bool) {
	line := bytes.TrimRight(slot, " \n")
	body, sum, ok := cut(line)
	var want checksum
	if !ok || !bytes.Equal(sum, want.of(nil, body)) {
		return record{}, false
	}
	err := json.Unmarshal(line, &r)
	return r, err == nil
}

// peekRecord reads the record of a lock that another has, for saying who.
func peekRecord(path string) record {
	f, err := os.Open(path)
	if err != nil {
		return record{}
	}
	defer f.Close()
	r, _, err := readRecord(f)
	if err != nil {
		return record{}
	}
	return r
}
