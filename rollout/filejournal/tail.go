package filejournal

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"time"

	"github.com/tidegate-go/tidegate/rollout"
)

// ending is what matters of the last event when a journal is opened: a small
// part, and the event may name a million targets.
type ending struct {
	At      time.Time
	Epoch   uint64
	Kind    rollout.Kind
	Outcome rollout.Phase
}

func (e ending) freesLocks() bool {
	return rollout.Event{Kind: e.Kind, Outcome: e.Outcome}.FreesLocks()
}

// lastLine reads the end of another rollout's journal: the last whole line,
// checked against the one before. An empty journal has none.
func lastLine(path string) (*ending, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	for want := int64(64 << 10); ; want *= 4 {
		from := max(0, info.Size()-want)
		data, err := io.ReadAll(io.NewSectionReader(f, from, info.Size()-from))
		if err != nil {
			return nil, err
		}
		data = data[:bytes.LastIndexByte(data, '\n')+1]
		if len(data) == 0 && from == 0 {
			return nil, nil
		}
		var line []byte
		if len(data) > 0 {
			data = data[:len(data)-1]
			line = data[bytes.LastIndexByte(data, '\n')+1:]
		}
		before := data[:max(0, len(data)-len(line)-1)]
		if from > 0 && len(before) <= tailLen {
			continue // the last line is longer than this
		}
		return parseEnding(before, line)
	}
}

func parseEnding(before, line []byte) (*ending, error) {
	var sumBefore []byte
	if len(before) > 0 {
		_, sumBefore, _ = cut(before[max(0, len(before)-tailLen-1):])
	}
	var want checksum
	body, sum, ok := cut(line)
	if !ok || !bytes.Equal(sum, want.of(sumBefore, body)) {
		return nil, errors.New("the checksum of its last line does not fit")
	}
	var last ending
	if err := json.Unmarshal(line, &last); err != nil {
		return nil, err
	}
	return &last, nil
}
