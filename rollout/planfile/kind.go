package planfile

import (
	"fmt"
	"maps"
	"slices"

	"go.yaml.in/yaml/v3"
)

// kinds are what a field can be, each by its name: "judge: {above: 95%}" is the kind
// above. One without settings may stand by its name alone: "judge: not-worse".
type kinds[T any] map[string]func(*Section) T

// one reads a field that is one of the kinds. what names them in faults.
func (k kinds[T]) one(s *Section, field, what string) (made T) {
	n := s.value(field)
	if n == nil {
		return made
	}
	made, encode := k.read(s, n, field, what)
	if encode != nil {
		s.write(field, encode)
	}
	return made
}

// list reads a field that lists some of the kinds.
func (k kinds[T]) list(s *Section, field, what string) (all []T) {
	list := s.list(field)
	var encode []func() *yaml.Node
	for i, n := range list {
		at := fmt.Sprintf("%s[%d]", field, i)
		one, e := k.read(s, n, at, what)
		all = append(all, one)
		if e != nil {
			encode = append(encode, e)
		}
	}
	if len(encode) > 0 {
		s.write(field, func() *yaml.Node {
			out := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
			for _, e := range encode {
				out.Content = append(out.Content, e())
			}
			return out
		})
	}
	return all
}

// read reads one value that is one of the kinds, and tells how to write it.
func (k kinds[T]) read(s *Section, n *yaml.Node, at, what string) (made T, encode func() *yaml.Node) {
	path := s.at(at)
	s.doc.places.add(s.plan+"."+planName(at), path, n)
	known := slices.Sorted(maps.Keys(k))
	key, body := n, (*yaml.Node)(nil)
	switch {
	case n.Kind == yaml.ScalarNode && !isNull(n):
		body = &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Line: n.Line, Column: n.Column}
	case n.Kind == yaml.MappingNode && len(n.Content) == 2:
		key, body = n.Content[0], n.Content[1]
	case n.Kind == yaml.MappingNode && len(n.Content) > 2:
		s.fault(n, path, "has %d kinds, %s and %s…: want exactly one", len(n.Content)/2, brief(n.Content[0].Value), brief(n.Content[2].Value))
		return made, nil
	default:
		s.fault(n, path, "want %s, and found %s: %s", what, nounOf(n), meant("", known))
		return made, nil
	}
	build, ok := k[key.Value]
	if !ok || build == nil {
		s.fault(key, path, "%s is no %s that is known: %s", brief(key.Value), what, meant(key.Value, known))
		return made, nil
	}
	sub := s.doc.section(body, under(path, key.Value), s.plan+"."+planName(at))
	s.doc.places.move(sub.plan, sub.path, key)
	made = build(sub)
	return made, func() *yaml.Node {
		body := sub.encode()
		if body.Kind == yaml.MappingNode && len(body.Content) == 0 {
			return textNode(key.Value)
		}
		return &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Content: []*yaml.Node{textNode(key.Value), body}}
	}
}
