package procgroup

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"sync"
)

// plumbing is the pipes to and from a program. They are our own, not os/exec's:
// it would wait for all who hold the output before it tells that the program has
// ended.
type plumbing struct {
	ours, theirs     []*os.File
	stdout           head
	stderr           tail
	input            []byte
	flooded          chan struct{} // closed when there is too much output
	drained          chan struct{} // closed when nobody holds the output any more
	stdinW           *os.File
	stdoutR, stderrR *os.File
}

// plug connects a program that is not started yet.
func plug(cmd *exec.Cmd, input []byte, maxOutput int) (*plumbing, error) {
	p := &plumbing{input: input, flooded: make(chan struct{}), drained: make(chan struct{})}
	p.stdout.most = maxOutput
	for _, end := range []func(r, w *os.File) (ours, theirs *os.File){
		func(r, w *os.File) (*os.File, *os.File) { p.stdinW, cmd.Stdin = w, r; return w, r },
		func(r, w *os.File) (*os.File, *os.File) { p.stdoutR, cmd.Stdout = r, w; return r, w },
		func(r, w *os.File) (*os.File, *os.File) { p.stderrR, cmd.Stderr = r, w; return r, w },
	} {
		r, w, err := os.Pipe()
		if err != nil {
			p.close()
			return nil, err
		}
		ours, theirs := end(r, w)
		p.ours, p.theirs = append(p.ours, ours), append(p.theirs, theirs)
	}
	return p, nil
}

// started lets go of the program's ends and begins to carry.
func (p *plumbing) started() {
	closeAll(p.theirs)
	go func() {
		_, _ = p.stdinW.Write(p.input) // who does not read it does not want it
		_ = p.stdinW.Close()
	}()
	var wg sync.WaitGroup
	wg.Go(func() {
		buf := make([]byte, 32<<10)
		for told := false; ; {
			n, err := p.stdoutR.Read(buf)
			if p.stdout.add(buf[:n]) && !told {
				close(p.flooded)
				told = true
			}
			if err != nil {
				return
			}
		}
	})
	wg.Go(func() { _, _ = io.Copy(&p.stderr, p.stderrR) })
	go func() {
		wg.Wait()
		close(p.drained)
	}()
}

// close ends all carrying.
func (p *plumbing) close() {
	closeAll(p.ours)
	closeAll(p.theirs)
}

func closeAll(files []*os.File) {
	for _, f := range files {
		_ = f.Close()
	}
}

// head keeps the beginning of what is written.
type head struct {
	mu       sync.Mutex
	most     int
	kept     []byte
	overflow bool
	spills   bool // what is too much is dropped
}

// add tells whether it has become too much.
func (h *head) add(data []byte) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	room := min(len(data), h.most-len(h.kept))
	h.kept = append(h.kept, data[:room]...)
	h.overflow = h.overflow || room < len(data) && !h.spills
	return h.overflow
}

func (h *head) over() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.overflow
}

func (h *head) bytes() []byte {
	h.mu.Lock()
	defer h.mu.Unlock()
	return bytes.Clone(h.kept)
}

// tail keeps the end of what is written.
type tail struct {
	mu   sync.Mutex
	kept []byte
}

// Write implements io.Writer.
func (t *tail) Write(data []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.kept = append(t.kept, data[max(0, len(data)-maxStderr):]...)
	t.kept = append(t.kept[:0], t.kept[max(0, len(t.kept)-maxStderr):]...)
	return len(data), nil
}

func (t *tail) bytes() []byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	return bytes.Clone(t.kept)
}
