package execdeploy

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// OutputPath returns the file of a target's output in an OutputDir. It may not
// exist: a program that writes nothing leaves none.
func OutputPath(dir, target string) string {
	const most = 200 // a file system takes 255
	name := url.PathEscape(target)
	if len(name) > most {
		sum := sha256.Sum256([]byte(target))
		name = name[:most-33] + "-" + hex.EncodeToString(sum[:16])
	}
	return filepath.Join(dir, name+".log")
}

const (
	// maxWords is how much of the end is quoted in an error, in bytes.
	maxWords = 300
	// maxRuns is how many runs' output one file may hold. A longer one is set aside as
	// .old before the next run.
	maxRuns = 16
)

// record takes what one run of a program writes, masks it, and keeps it.
type record struct {
	mu     sync.Mutex
	closed bool
	mask   *mask

	path  string // where to keep it; empty for nowhere
	title string
	file  *os.File
	err   error // why it is not kept
	most  int   // of the beginning, and of the end
	wrote int   // of the beginning
	last  end
	words end
}

func newRecord(c Commands, target, title string) *record {
	r := &record{title: title, most: c.MaxOutput / 2, words: end{most: maxWords}}
	r.mask = newMask(c.Redact, r.keep)
	r.last.most = r.most
	if c.OutputDir != "" {
		r.path = OutputPath(c.OutputDir, target)
	}
	return r
}

// Write takes what the program writes. It never fails: that would be a fault of the
// program.
func (r *record) Write(data []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.closed {
		r.mask.write(data)
	}
	return len(data), nil
}

// ReadFrom is Write with a buffer that suits programs that say little.
func (r *record) ReadFrom(from io.Reader) (n int64, err error) {
	buf := make([]byte, 2<<10)
	for {
		k, err := from.Read(buf)
		_, _ = r.Write(buf[:k])
		n += int64(k)
		switch {
		case errors.Is(err, io.EOF):
			return n, nil
		case err != nil:
			return n, err
		case k == len(buf) && len(buf) < 64<<10:
			buf = make([]byte, 4*len(buf))
		}
	}
}

// keep keeps what is masked.
func (r *record) keep(data []byte) {
	r.words.add(data)
	if r.path == "" || r.err != nil || len(data) == 0 {
		return
	}
	if r.file == nil {
		if r.file, r.err = r.open(); r.err != nil {
			return
		}
	}
	if room := min(r.most-r.wrote, len(data)); room > 0 {
		_, r.err = r.file.Write(data[:room])
		r.wrote += room
		data = data[room:]
	}
	r.last.add(data)
}

// open begins a run in the target's file.
func (r *record) open() (*os.File, error) {
	if info, err := os.Stat(r.path); err == nil && info.Size() > int64(maxRuns*2*r.most) {
		if err := os.Rename(r.path, strings.TrimSuffix(r.path, ".log")+".old"); err != nil {
			return nil, err
		}
	}
	f, err := os.OpenFile(r.path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	_, err = fmt.Fprintf(f, "--- %s, %s\n", time.Now().UTC().Format(time.RFC3339), r.title)
	return f, err
}

// close ends the record, and returns the last words, quoted; empty if there are none.
func (r *record) close() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return ""
	}
	r.mask.close()
	r.closed = true
	if r.file != nil {
		if r.last.lost > 0 && r.err == nil {
			_, r.err = fmt.Fprintf(r.file, "\n--- %d bytes are left out here\n", r.last.lost)
		}
		if r.err == nil {
			_, r.err = r.file.Write(r.last.kept)
		}
		_ = r.file.Close()
	}
	words := strings.TrimSpace(string(r.words.kept))
	switch {
	case words == "" && r.err == nil:
		return ""
	case r.err != nil:
		return fmt.Sprintf("%q, and that could not be kept: %v", words, r.err)
	case r.words.lost > 0:
		return "…" + strconv.Quote(words)
	}
	return strconv.Quote(words)
}

// start keeps the beginning of what is written.
type start struct {
	mu   sync.Mutex
	most int
	kept []byte
	over bool
}

// Write implements io.Writer.
func (s *start) Write(data []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	room := min(s.most-len(s.kept), len(data))
	s.kept = append(s.kept, data[:room]...)
	s.over = s.over || room < len(data)
	return len(data), nil
}

func (s *start) text() (text string, over bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return string(s.kept), s.over
}

// end keeps the end of what is written.
type end struct {
	most int
	kept []byte
	lost int64
}

func (e *end) add(data []byte) {
	all := len(e.kept) + len(data)
	switch {
	case len(data) >= e.most:
		e.kept = append(e.kept[:0], data[len(data)-e.most:]...)
	case all > e.most:
		n := copy(e.kept, e.kept[all-e.most:])
		e.kept = append(e.kept[:n], data...)
	default:
		e.kept = append(e.kept, data...)
	}
	e.lost += int64(all - len(e.kept))
}
