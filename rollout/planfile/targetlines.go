package planfile

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/tidegate-go/tidegate/rollout"
)

// maxTargetLine is how long a line of a target file may be, in bytes.
const maxTargetLine = 64 << 10

// ParseTargets reads one target a line: a name, and key=value labels, of which weight
// and tier are numbers that the rollout knows. Blank lines, and what is behind a #
// at the beginning of a word, do not count. The error names the line.
func ParseTargets(in io.Reader) (targets []rollout.Target, err error) {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, maxTargetLine)
	lines.Split(scanLines)
	seen := make(map[string]int)
	n := 0
	for lines.Scan() {
		n++
		target, err := parseTarget(lines.Text())
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		if target.Name == "" {
			continue
		}
		if first := seen[target.Name]; first > 0 {
			return nil, fmt.Errorf("line %d: %q is on line %d already", n, target.Name, first)
		}
		seen[target.Name] = n
		targets = append(targets, target)
	}
	if err := lines.Err(); errors.Is(err, bufio.ErrTooLong) {
		return nil, fmt.Errorf("line %d is longer than %d bytes: is this a target file?", n+1, maxTargetLine)
	} else if err != nil {
		return nil, err
	}
	return targets, nil
}

// scanLines is bufio.ScanLines that leaves a carriage return where it is.
func scanLines(data []byte, atEOF bool) (advance int, token []byte, err error) {
	if i := bytes.IndexByte(data, '\n'); i >= 0 {
		return i + 1, data[:i], nil
	}
	if atEOF && len(data) > 0 {
		return len(data), data, nil
	}
	return 0, nil, nil
}

// parseTarget reads one line. A line without a target gives one without a name.
func parseTarget(line string) (t rollout.Target, err error) {
	if err := plainLine(line); err != nil {
		return t, err
	}
	words := strings.Fields(line)
	for i, word := range words {
		if strings.HasPrefix(word, "#") {
			words = words[:i]
			break
		}
	}
	if len(words) == 0 {
		return t, nil
	}
	if words[0][0] == '-' {
		return t, fmt.Errorf("target %q begins with a dash: programs would take it for a flag", words[0])
	}
	if strings.Contains(words[0], "=") {
		return t, fmt.Errorf("%q is a label, and the target's name comes first", words[0])
	}
	t.Name = words[0]
	for _, word := range words[1:] {
		key, value, ok := strings.Cut(word, "=")
		_, twice := t.Labels[key]
		switch {
		case !ok || key == "":
			return t, fmt.Errorf("%q is no label: want key=value after the target's name", word)
		case key == "weight":
			if t.Weight, err = strconv.ParseInt(value, 10, 64); err != nil || t.Weight < 1 {
				return t, fmt.Errorf("%q: want a whole number, 1 or more", word)
			}
		case key == "tier":
			if t.Tier, err = strconv.Atoi(value); err != nil {
				return t, fmt.Errorf("%q: want a whole number", word)
			}
		case twice:
			return t, fmt.Errorf("label %q is there twice", key)
		default:
			if t.Labels == nil {
				t.Labels = make(map[string]string)
			}
			t.Labels[key] = value
		}
	}
	return t, nil
}

// plainLine refuses what nobody types into a target file.
func plainLine(line string) error {
	switch {
	case strings.HasSuffix(line, "\r"):
		return errors.New(`it ends in CRLF, as files from Windows do: take the carriage returns out (tr -d '\r')`)
	case strings.ContainsRune(line, 0):
		return errors.New("it has a NUL: is this a text file?")
	case !utf8.ValidString(line):
		return errors.New("it is not UTF-8")
	}
	if i := strings.IndexFunc(line, func(r rune) bool { return r != '\t' && !unicode.IsPrint(r) }); i >= 0 {
		return fmt.Errorf("it has the character %q, which cannot be seen", line[i:i+1])
	}
	return nil
}
