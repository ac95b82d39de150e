package s3

import (
	"fmt"
	"strings"
)

// group is a subsystem, and what it stands on: the servers from one number to another,
// of which it needs so many. How many there were is not public: these are made up.
type group struct {
	name     string
	from, to int
	needs    int
}

func groups() []group {
	return []group{
		{"billing", 0, 99, 50},
		{"index", 20, 299, 270},
		{"placement", 60, 299, 230},
	}
}

// fleet is the servers, by number: those that are there.
type fleet struct{ up []bool }

func newFleet() *fleet {
	f := &fleet{up: make([]bool, 300)}
	for i := range f.up {
		f.up[i] = true
	}
	return f
}

// match returns the servers whose name begins like that.
func (f *fleet) match(prefix string) (servers []int) {
	for i := range f.up {
		if strings.HasPrefix(fmt.Sprintf("host-%03d", i), prefix) {
			servers = append(servers, i)
		}
	}
	return servers
}

// of returns how many servers a group has.
func (f *fleet) of(g group) (n int) {
	for _, up := range f.up[g.from : g.to+1] {
		if up {
			n++
		}
	}
	return n
}

// down returns the groups that have fewer servers than they need.
func (f *fleet) down() (names []string) {
	for _, g := range groups() {
		if f.of(g) < g.needs {
			names = append(names, g.name)
		}
	}
	return names
}
