package planfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/tidegate-go/tidegate/rollout"
	"go.yaml.in/yaml/v3"
)

// targets reads the fleet: a list, or where one is found.
func targets(s *Section) []rollout.Target {
	n := s.value("targets")
	if n != nil && n.Kind == yaml.MappingNode {
		return foundTargets(s.Section("targets"))
	}
	var all []rollout.Target
	for _, one := range s.Sections("targets") {
		one.Short("name")
		one.Need("name")
		all = append(all, rollout.Target{
			Name: one.Text("name"), Labels: one.Labels("labels"),
			Weight: int64(one.Count("weight", 1)), Tier: one.Count("tier", -maxCount),
		})
	}
	return all
}

// foundTargets reads the fleet from where the section says that it is.
func foundTargets(s *Section) []rollout.Target {
	s.OneOf("file", "command")
	file, program := s.Path("file"), s.doc.program(s.Program("command"))
	field, data, err := "", []byte(nil), error(nil)
	switch {
	case file != "" && program == nil:
		field = "file"
		data, err = s.doc.opts.readFile(file)
	case program != nil && file == "":
		field = "command"
		if s.doc.opts.Run == nil {
			s.Fault(field, "the fleet is told by a program, and none is run here")
			return nil
		}
		data, err = s.doc.opts.Run(program)
	default:
		return nil
	}
	if err != nil {
		s.Fault(field, "%v", err)
		return nil
	}
	all, err := ParseTargets(bytes.NewReader(data))
	switch {
	case err != nil:
		s.Fault(field, "%v", err)
	case len(all) == 0:
		s.Fault(field, "tells of no target, and none never means all")
	}
	return all
}

// maxTargets is how long a file of targets may be, in bytes.
const maxTargets = 256 << 20

func (o Options) readFile(path string) ([]byte, error) {
	if o.ReadFile != nil {
		return o.ReadFile(path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(f, maxTargets+1))
	if len(data) > maxTargets {
		err = fmt.Errorf("%s is longer than %d MiB: is this a file of targets?", path, maxTargets>>20)
	}
	return data, errors.Join(err, f.Close())
}
