package execdeploy

import (
	"bytes"
	"slices"
)

// masked is what stands in place of a secret.
const masked = "[redacted]"

// mask takes secrets out of a stream, also where one comes in several pieces. It
// passes on all that can't be the beginning of a secret at once.
type mask struct {
	secrets [][]byte // longest first
	held    []byte   // may be the beginning of one
	next    func([]byte)
}

func newMask(secrets []string, next func([]byte)) *mask {
	m := &mask{next: next}
	for _, s := range secrets {
		if s != "" {
			m.secrets = append(m.secrets, []byte(s))
		}
	}
	slices.SortFunc(m.secrets, func(a, b []byte) int { return len(b) - len(a) })
	return m
}

func (m *mask) write(data []byte) {
	if len(m.secrets) == 0 {
		m.next(data)
		return
	}
	m.held = append(m.held, data...)
	m.held = append(m.held[:0], m.pass(m.held, m.beginning(m.held))...)
}

// close passes on what was held back.
func (m *mask) close() { m.held = m.pass(m.held, len(m.held)) }

// pass passes on what is before upTo, without its secrets, and returns the rest. A
// secret that begins before upTo may end behind it.
func (m *mask) pass(data []byte, upTo int) []byte {
	for {
		at, size := m.find(data)
		if size == 0 || at >= upTo {
			break
		}
		m.next(data[:at])
		m.next([]byte(masked))
		data, upTo = data[at+size:], max(0, upTo-at-size)
	}
	m.next(data[:upTo])
	return data[upTo:]
}

// find returns the first secret in data, and the longest of those that begin there.
func (m *mask) find(data []byte) (at, size int) {
	for _, s := range m.secrets {
		if i := bytes.Index(data, s); i >= 0 && (size == 0 || i < at) {
			at, size = i, len(s)
		}
	}
	return at, size
}

// beginning returns from where on data may be the beginning of a secret.
func (m *mask) beginning(data []byte) int {
	if len(m.secrets) == 0 {
		return len(data)
	}
	for i := max(0, len(data)-len(m.secrets[0])+1); i < len(data); i++ {
		for _, s := range m.secrets {
			if len(s) > len(data)-i && bytes.HasPrefix(s, data[i:]) {
				return i
			}
		}
	}
	return len(data)
}
