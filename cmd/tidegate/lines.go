package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
)

// maxLine is how long a line may be, in bytes.
const maxLine = 64 << 20

// A line is one line of the input, without its end. Its text is good until the
// next one is read.
type line struct {
	number int
	text   []byte
}

// lines yields the lines that are not blank. It ends with an error, if any.
func lines(r io.Reader, limit int) iter.Seq2[line, error] {
	return func(yield func(line, error) bool) {
		s := bufio.NewScanner(r)
		s.Buffer(nil, limit+3) // its end, and one more to tell a line that is too long
		l := line{}
		for s.Scan() { // takes \n and \r\n for ends
			l.number++
			l.text = s.Bytes()
			if len(l.text) > limit {
				yield(l, tooLong(limit))
				return
			}
			if len(bytes.TrimSpace(l.text)) > 0 && !yield(l, nil) {
				return
			}
		}
		l.number++
		switch err := s.Err(); {
		case errors.Is(err, bufio.ErrTooLong):
			yield(l, tooLong(limit))
		case err != nil:
			yield(l, badf("cannot read the input: %v", err))
		}
	}
}

func tooLong(limit int) error {
	size := fmt.Sprintf("%d bytes", limit)
	if limit >= 1<<20 {
		size = fmt.Sprintf("%d MB", limit>>20)
	}
	return badf("the line is longer than %s", size)
}
