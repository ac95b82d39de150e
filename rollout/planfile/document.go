package planfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// MaxSize is how long a plan file may be, in bytes. A fleet that needs more has a file of
// its own (targets: {file: …}).
const MaxSize = 4 << 20

// document is a file that is being decoded, and what was found out about it so far.
type document struct {
	name   string
	opts   Options
	faults []*Fault
	// sections are those that were made, for what nobody asked for at the end.
	sections []*Section
	places   places
	found    found
}

// fault adds one fault.
func (d *document) fault(line, column int, path, format string, args ...any) {
	d.faults = append(d.faults, &Fault{d.name, line, column, path, fmt.Sprintf(format, args...)})
}

// err is what there is to say: nil, or an *Error.
func (d *document) err() error {
	if len(d.faults) == 0 {
		return nil
	}
	e := &Error{d.faults}
	e.sort()
	return e
}

// path is where a file is that the plan file names.
func (d *document) path(path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(filepath.Dir(d.name), path)
}

// program is where the program is that the plan file names: one with a slash is a file
// like others, and one without is found in PATH.
func (d *document) program(args []string) []string {
	if len(args) == 0 || !strings.ContainsRune(args[0], filepath.Separator) || filepath.IsAbs(args[0]) || args[0][0] == '{' {
		return args
	}
	args = slices.Clone(args)
	if args[0] = d.path(args[0]); !strings.ContainsRune(args[0], filepath.Separator) {
		args[0] = "." + string(filepath.Separator) + args[0]
	}
	return args
}

// parse reads the file as YAML, and refuses what no plan needs. It returns nil if
// there is a fault.
func (d *document) parse(data []byte) *yaml.Node {
	switch {
	case len(data) > MaxSize:
		d.fault(1, 0, "", "is longer than %d MiB: is this a plan? A large fleet goes into a file of its own, named as targets: {file: fleet.txt}", MaxSize>>20)
		return nil
	case !utf8.Valid(data):
		d.fault(1+bytes.Count(data[:invalidAt(data)], []byte("\n")), 0, "", "is not UTF-8 text")
		return nil
	}
	text := fromJSON(bytes.TrimPrefix(data, []byte("\ufeff")))
	dec := yaml.NewDecoder(bytes.NewReader(text))
	var root, second yaml.Node
	switch err := dec.Decode(&root); {
	case errors.Is(err, io.EOF), err == nil && nothing(&root):
		d.fault(1, 0, "", "is empty: a plan needs at least name, release, targets, waves and gate")
		return nil
	case err != nil:
		d.syntax(err, text)
		return nil
	}
	if err := dec.Decode(&second); err == nil {
		d.fault(second.Line, second.Column, "", "has a second document: a file is one plan")
		return nil
	} else if !errors.Is(err, io.EOF) {
		d.syntax(err, text)
		return nil
	}
	top := root.Content[0]
	if top.Kind != yaml.MappingNode {
		d.fault(top.Line, top.Column, "", "want fields, such as name: checkout-v42, and found %s", nounOf(top))
		return nil
	}
	if !d.plain(top, "") {
		return nil
	}
	return top
}

func nothing(root *yaml.Node) bool {
	return root.Kind != yaml.DocumentNode || len(root.Content) == 0 || isNull(root.Content[0])
}

// plain refuses what makes YAML say one thing and mean another. It returns whether it
// can be read all the same, for further faults.
func (d *document) plain(n *yaml.Node, path string) (readable bool) {
	readable = true
	switch {
	case n.Kind == yaml.AliasNode, n.Anchor != "":
		d.fault(n.Line, n.Column, path, "anchors and aliases (& and *) are not for plans: write it out, or use a variable, ${name}")
		return false
	case n.Style&yaml.TaggedStyle != 0:
		d.fault(n.Line, n.Column, path, "tags (%s) are not for plans", n.Tag)
		readable = false
	}
	switch n.Kind {
	case yaml.SequenceNode:
		for i, c := range n.Content {
			readable = d.plain(c, fmt.Sprintf("%s[%d]", path, i)) && readable
		}
	case yaml.MappingNode:
		first := make(map[string]int, len(n.Content)/2)
		for i := 0; i+1 < len(n.Content); i += 2 {
			key := n.Content[i]
			at := under(path, key.Value)
			line, twice := first[key.Value]
			switch {
			case key.Kind != yaml.ScalarNode:
				d.fault(key.Line, key.Column, path, "%s is no name of a field", nounOf(key))
				readable = false
				continue
			case key.Anchor != "", key.Style&yaml.TaggedStyle != 0:
				readable = d.plain(key, at)
			case twice:
				d.fault(key.Line, key.Column, at, "is there twice: it is on line %d already", line)
			}
			first[key.Value] = key.Line
			readable = d.plain(n.Content[i+1], at) && readable
		}
	}
	return readable
}

var lineOf = regexp.MustCompile(`^(?:yaml: )?(?:line ([0-9]+): )?(.*)$`)

// syntax makes a fault of what the YAML parser says.
func (d *document) syntax(err error, text []byte) {
	m := lineOf.FindStringSubmatch(strings.ReplaceAll(err.Error(), "\n", " "))
	line, _ := strconv.Atoi(m[1])
	msg := m[2]
	if strings.HasPrefix(msg, "did not find expected") {
		line++ // the parser, other than its scanner, counts them from 0
	}
	if n := lineWith(text, bareVariable); n > 0 {
		line, msg = n, msg+": within { } and [ ], put quotes around what has a ${variable}"
	}
	if n := lineWith(text, tabIndent); n > 0 {
		line, msg = n, "is indented with a tab, and YAML wants spaces"
	}
	d.fault(max(line, 1), 0, "", "%s", msg)
}

var (
	tabIndent = regexp.MustCompile(`^ *\t`)
	// bareVariable is a variable that no quotes protect from the braces around it.
	bareVariable = regexp.MustCompile(`[{\[,][^"'#]*\$\{`)
)

// lineWith returns the first line that matches, or 0.
func lineWith(text []byte, pattern *regexp.Regexp) int {
	for i, line := range bytes.Split(text, []byte("\n")) {
		if pattern.Match(line) {
			return i + 1
		}
	}
	return 0
}

// invalidAt is where a text stops being UTF-8.
func invalidAt(data []byte) int {
	for i := 0; i < len(data); {
		r, size := utf8.DecodeRune(data[i:])
		if r == utf8.RuneError && size == 1 {
			return i
		}
		i += size
	}
	return len(data)
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }

// nounOf says what a node is, for a fault.
func nounOf(n *yaml.Node) string {
	switch n.Kind {
	case yaml.SequenceNode:
		return "a list"
	case yaml.MappingNode:
		return "fields"
	case yaml.ScalarNode:
		if isNull(n) {
			return "nothing"
		}
		return brief(n.Value)
	}
	return "something else"
}

// brief quotes the beginning of a text.
func brief(text string) string {
	const most = 60
	if utf8.RuneCountInString(text) > most {
		text = string([]rune(text)[:most]) + "…"
	}
	return strconv.Quote(text)
}

// under is the path of a field.
func under(path, field string) string {
	switch {
	case path == "":
		return field
	case field == "", field[0] == '[':
		return path + field
	}
	return path + "." + field
}
