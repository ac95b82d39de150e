package filejournal

// scanner reads JSON of a known form, piece by piece. What is not of that form
// makes it fail, for good.
type scanner struct {
	rest   []byte
	failed bool
}

// has takes the piece, if it comes next.
func (s *scanner) has(piece string) bool {
	if len(s.rest) < len(piece) || string(s.rest[:len(piece)]) != piece {
		return false
	}
	s.rest = s.rest[len(piece):]
	return true
}

// text takes what is up to and with the next quote, and returns it without. It
// takes printable ASCII, and no escape.
func (s *scanner) text() []byte {
	for i, c := range s.rest {
		switch {
		case c == '"':
			text := s.rest[:i]
			s.rest = s.rest[i+1:]
			return text
		case c < ' ' || c > '~' || c == '\\':
			s.failed = true
			return nil
		}
	}
	s.failed = true
	return nil
}

// number takes a whole number above zero that is in range, whatever follows it.
func (s *scanner) number() (n uint64) {
	const digits = 18 // more could be out of range
	i := 0
	for ; i < len(s.rest) && s.rest[i] >= '0' && s.rest[i] <= '9'; i++ {
		n = n*10 + uint64(s.rest[i]-'0')
	}
	if i == 0 || i > digits || s.rest[0] == '0' {
		s.failed = true
	}
	s.rest = s.rest[i:]
	return n
}

// int takes a number that is in range of an int.
func (s *scanner) int() int {
	n := s.number()
	if n != uint64(int(n)) || int(n) < 0 {
		s.failed = true
	}
	return int(n)
}
