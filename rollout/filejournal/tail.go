package filejournal

import (
	"bytes"
	"encoding/json"
	"io"
	"os"

	"github.com/tidegate-go/tidegate/rollout"
)

// ending is what the last event of a journal says about locks.
type ending struct {
	Kind    rollout.Kind
	Outcome rollout.Phase
}

// lastLine reads the end of another rollout's journal: the last whole line,
// checked against the one before. The zero ending is that of an empty journal.
func lastLine(path string) (ending, error) {
	f, err := os.Open(path)
	if err != nil {
		return ending{}, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return ending{}, err
	}
	for want := int64(64 << 10); ; want *= 4 {
		from := max(0, info.Size()-want)
		data, err := io.ReadAll(io.NewSectionReader(f, from, info.Size()-from))
		if err != nil {
			return ending{}, err
		}
		data = data[:bytes.LastIndexByte(data, '\n')+1]
		if len(data) == 0 && from == 0 {
			return ending{}, nil
		}
		var line []byte
		if len(data) > 0 {
			data = data[:len(data)-1]
			line = data[bytes.LastIndexByte(data, '\n')+1:]
		}
		before := data[:max(0, len(data)-len(line)-1)]
		if len(line) == 0 || from > 0 && len(before) < tailLen {
			continue // the two last lines are longer than this
		}
		return parseEnding(path, before, line)
	}
}

func parseEnding(path string, before, line []byte) (ending, error) {
	var sumBefore []byte
	if len(before) > 0 {
		_, sumBefore, _ = cut(before[max(0, len(before)-tailLen-1):])
	}
	var want checksum
	body, sum, ok := cut(line)
	if !ok || !bytes.Equal(sum, want.of(sumBefore, body)) {
		return ending{}, &CorruptError{Path: path, Line: 0, Reason: "the checksum of its last line does not fit"}
	}
	var last ending
	if err := json.Unmarshal(line, &last); err != nil {
		return ending{}, err
	}
	return last, nil
}
