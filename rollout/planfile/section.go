package planfile

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Section is a part of a plan file that has fields. Who makes something of it asks for
// the fields, each by its name and for what it should be:
//
//	func(s *planfile.Section) guardrails.Guard {
//		s.Need("url")
//		return &LoadBelow{URL: s.Text("url"), Most: s.Percent("most"), Every: s.Duration("every")}
//	}
//
// A field that is not there is the zero value. One that is wrong is the zero value too,
// and a Fault that says where it is. What nobody has asked for is a fault as well, so
// ask for every field, in any case. Names are small letters with dashes.
//
// What was asked for is also how Encode writes it, in that order.
type Section struct {
	doc  *document
	node *yaml.Node // nil if it is not in the file
	path string     // in the file
	plan string     // in the plan, as places has it
	// short is the field that may stand for the whole section.
	short string
	asked []string
	wrote []written
	// unknown says that nobody can tell which fields there should be.
	unknown bool
}

// written is a field as Encode has it.
type written struct {
	field string
	node  func() *yaml.Node
}

func (d *document) section(n *yaml.Node, path, plan string) *Section {
	s := &Section{doc: d, node: n, path: path, plan: plan}
	if n != nil {
		d.sections = append(d.sections, s)
	}
	return s
}

// Short says which field is meant where something else than fields stands in place of
// the section: with Short("limit"), "above: 95%" is "above: {limit: 95%}". Call it first.
func (s *Section) Short(field string) { s.short = field }

// As says under which name Problems reports a field, where it is not that of the file in
// Go's way of writing: As("run", "Program.Args").
func (s *Section) As(field, goPath string) {
	if n := s.lookup(field); n != nil {
		s.doc.places.add(s.plan+"."+planName(goPath), s.at(field), n)
	}
}

// Here tells whether the section is in the file at all.
func (s *Section) Here() bool { return s.node != nil }

// Has tells whether the field is in the file.
func (s *Section) Has(field string) bool {
	s.know(field)
	return s.lookup(field) != nil
}

// Need makes a fault of each field that is not in the file. A section that is not there
// itself needs nothing.
func (s *Section) Need(fields ...string) {
	for _, field := range fields {
		if has := s.Has(field); !has && s.hasFields() {
			s.doc.fault(s.node.Line, s.node.Column, s.at(field), "is missing")
		}
	}
}

// hasFields tells whether the section is there, and not something else in its place.
func (s *Section) hasFields() bool {
	return s.Here() && (s.node.Kind == yaml.MappingNode || isNull(s.node) || s.short != "")
}

// OneOf makes a fault of it unless exactly one of the fields is in the file.
func (s *Section) OneOf(fields ...string) {
	n := 0
	for _, field := range fields {
		if s.Has(field) {
			n++
		}
	}
	if s.hasFields() && n != 1 {
		s.fault(s.node, s.path, "has %s of %s: want exactly one", countWord(n), strings.Join(fields, ", "))
	}
}

func countWord(n int) string {
	if n == 0 {
		return "none"
	}
	return fmt.Sprint(n)
}

// Fault says what is wrong with a field, or with the whole section if field is empty.
func (s *Section) Fault(field, format string, args ...any) {
	n, path := s.node, s.path
	if field != "" {
		path = s.at(field)
		if v := s.lookup(field); v != nil {
			n = v
		}
	}
	s.fault(n, path, format, args...)
}

func (s *Section) fault(n *yaml.Node, path, format string, args ...any) {
	line, column := 1, 0
	if n != nil {
		line, column = n.Line, n.Column
	}
	s.doc.fault(line, column, path, format, args...)
}

// at is the path of a field in the file.
func (s *Section) at(field string) string {
	if name, index, _ := strings.Cut(field, "["); s.short != "" && name == s.short && s.node != nil && s.node.Kind != yaml.MappingNode {
		if index != "" {
			return s.path + "[" + index
		}
		return s.path
	}
	return under(s.path, field)
}

// know notes that there is such a field.
func (s *Section) know(field string) {
	s.doc.places.name(field)
	for _, f := range s.asked {
		if f == field {
			return
		}
	}
	s.asked = append(s.asked, field)
}

// lookup returns a field's value; nil if it is not there.
func (s *Section) lookup(field string) *yaml.Node {
	switch {
	case s.node == nil, isNull(s.node):
		return nil
	case s.node.Kind != yaml.MappingNode:
		if field == s.short {
			return s.node
		}
		return nil
	}
	for i := 0; i+1 < len(s.node.Content); i += 2 {
		if s.node.Content[i].Value == field {
			return s.node.Content[i+1]
		}
	}
	return nil
}

// value returns the value of a field that is asked for.
func (s *Section) value(field string) *yaml.Node {
	s.know(field)
	n := s.lookup(field)
	if n != nil {
		s.doc.places.add(s.plan+"."+planName(field), s.at(field), n)
	}
	return n
}

// write notes how Encode writes a field.
func (s *Section) write(field string, node func() *yaml.Node) {
	for i := range s.wrote {
		if s.wrote[i].field == field {
			s.wrote[i].node = node
			return
		}
	}
	s.wrote = append(s.wrote, written{field, node})
}

// encode returns the section as Encode writes it.
func (s *Section) encode() *yaml.Node {
	if len(s.wrote) == 1 && s.short != "" && s.wrote[0].field == s.short {
		if n := s.wrote[0].node(); n.Kind != yaml.MappingNode {
			return n
		}
	}
	n := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
	for _, w := range s.wrote {
		n.Content = append(n.Content, textNode(w.field), w.node())
	}
	return n
}

// finish makes faults of what nobody has asked for.
func (s *Section) finish() {
	switch {
	case s.unknown, isNull(s.node):
	case s.node.Kind != yaml.MappingNode:
		if s.short == "" {
			s.fault(s.node, s.path, "want fields, and found %s%s", nounOf(s.node), s.example())
		}
	default:
		for i := 0; i+1 < len(s.node.Content); i += 2 {
			key := s.node.Content[i]
			known := false
			for _, f := range s.asked {
				known = known || f == key.Value
			}
			switch {
			case known:
			case len(s.doc.faults) > maxShown: // nobody will read it
				s.fault(key, under(s.path, key.Value), "unknown field")
			default:
				s.fault(key, under(s.path, key.Value), "unknown field: %s", meant(key.Value, s.asked))
			}
		}
	}
}

// example says which fields there are.
func (s *Section) example() string {
	if len(s.asked) == 0 {
		return ": it has none"
	}
	return ": known are " + strings.Join(s.asked, ", ")
}

// Section returns the section that is the value of a field.
func (s *Section) Section(field string) *Section {
	n := s.value(field)
	if n != nil && isNull(n) {
		s.Fault(field, "has nothing in it: leave it out, or fill it in")
		n = nil
	}
	sub := s.doc.section(n, s.at(field), s.plan+"."+planName(field))
	if n != nil {
		s.write(field, sub.encode)
	}
	return sub
}

// Sections returns the sections that a field lists.
func (s *Section) Sections(field string) (all []*Section) {
	list := s.list(field)
	for i, n := range list {
		at := fmt.Sprintf("%s[%d]", field, i)
		all = append(all, s.doc.section(n, s.at(at), s.plan+"."+planName(at)))
		s.doc.places.add(s.plan+"."+planName(at), s.at(at), n)
	}
	if list != nil {
		s.write(field, func() *yaml.Node {
			out := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
			for _, one := range all {
				out.Content = append(out.Content, one.encode())
			}
			return out
		})
	}
	return all
}

// list returns what a field lists. An empty list is a fault: none never means all.
func (s *Section) list(field string) []*yaml.Node {
	n := s.value(field)
	switch {
	case n == nil:
		return nil
	case n.Kind != yaml.SequenceNode:
		s.Fault(field, "want a list, [a, b], and found %s", nounOf(n))
		return nil
	case len(n.Content) == 0:
		s.Fault(field, "is an empty list: leave it out, or fill it in")
		return nil
	}
	return n.Content
}
