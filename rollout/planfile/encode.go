package planfile

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v3"
)

// Encode writes what a file says as YAML, in one way of writing it: fields in the order
// of the documentation, durations and percentages in their shortest form, variables
// filled in, without comments. Decoded and encoded again, it is the same to the byte.
// It wants a File that Decode has made: what a program has put into a Plan by itself
// need not be data.
func Encode(f *File) ([]byte, error) {
	if f == nil || f.top == nil {
		return nil, errors.New("planfile: Encode wants a File that Decode has made")
	}
	var b bytes.Buffer
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2)
	if err := errors.Join(enc.Encode(f.top.encode()), enc.Close()); err != nil {
		return nil, fmt.Errorf("planfile: %w", err)
	}
	return b.Bytes(), nil
}

// ambiguous are texts that other readers of YAML take for a truth value or a number.
var ambiguous = regexp.MustCompile(`^(?i:y|yes|n|no|on|off|[0-9:.]*:[0-9:.]*)$`)

// textNode is a text, in quotes where YAML would take it for something else.
func textNode(text string) *yaml.Node {
	n := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: text}
	if ambiguous.MatchString(text) {
		n.Style = yaml.SingleQuotedStyle
	}
	if strings.TrimSpace(text) != text || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
		n.Style = yaml.DoubleQuotedStyle
	}
	return n
}

func textsNode(texts []string) *yaml.Node {
	n := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Style: yaml.FlowStyle}
	for _, text := range texts {
		n.Content = append(n.Content, textNode(literal(text)))
	}
	return n
}
