package guardrails

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// readLines reads one JSON object from each line that is not blank. A line that is no
// such object, has fields that nobody knows or does not stand the check is an error
// that says which.
func readLines[T any](path string, data []byte, check func(T) error) (all []T, err error) {
	for number := 1; len(data) > 0; number++ {
		line, rest, _ := bytes.Cut(data, []byte("\n"))
		data = rest
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		var one T
		from := json.NewDecoder(bytes.NewReader(line))
		from.DisallowUnknownFields()
		err := from.Decode(&one)
		if err == nil {
			if _, more := from.Token(); !errors.Is(more, io.EOF) {
				err = errors.New("there is more than one object on it")
			}
		}
		if err == nil {
			err = check(one)
		}
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", path, number, err)
		}
		all = append(all, one)
	}
	return all, nil
}
