package jsonapi

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/tidegate-go/tidegate/analysis"
)

// pointer is a JSON pointer (RFC 6901), as its tokens.
type pointer []string

func newPointer(text string) (pointer, error) {
	if text == "" {
		return nil, nil // the whole document
	}
	if text[0] != '/' {
		return nil, errPointer
	}
	tokens := strings.Split(text[1:], "/")
	for i, token := range tokens {
		if rest := strings.NewReplacer("~0", "", "~1", "").Replace(token); strings.Contains(rest, "~") {
			return nil, errPointer
		}
		tokens[i] = strings.NewReplacer("~1", "/", "~0", "~").Replace(token)
	}
	return tokens, nil
}

// mustPointer makes ready what Problems has found good.
func mustPointer(text string) pointer {
	p, _ := newPointer(text)
	return p
}

// find follows the pointer. What is not there, or null, is ErrNoData. Unless it may
// pick, an index is for an array of that one element.
func (p pointer) find(root any, pick bool) (any, error) {
	here := root
	for i, token := range p {
		at := p[:i+1].String()
		switch parent := here.(type) {
		case map[string]any:
			child, ok := parent[token]
			if !ok {
				return nil, noData(at, "nothing")
			}
			here = child
		case []any:
			index, ok := index(token)
			if !ok {
				return nil, fmt.Errorf("%s has an index to be at, not %s: there is an array", at, quote([]byte(token)))
			}
			if index >= len(parent) {
				return nil, noData(at, "nothing")
			}
			if len(parent) > 1 && !pick {
				return nil, fmt.Errorf("%s is one of %d elements: narrow the query down to one, or set Pick", at, len(parent))
			}
			here = parent[index]
		case nil:
			return nil, noData(p[:i].String(), "null")
		default:
			return nil, fmt.Errorf("%s at %s: there is nothing within it", kind(here), p[:i])
		}
	}
	if here == nil {
		return nil, noData(p.String(), "null")
	}
	return here, nil
}

// String returns the pointer in its notation.
func (p pointer) String() string {
	var b strings.Builder
	for _, token := range p {
		b.WriteString("/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(token))
	}
	return b.String()
}

// index reads the index of an array: digits, without leading zeros.
func index(token string) (int, bool) {
	i, err := strconv.ParseUint(token, 10, 31)
	return int(i), err == nil && strconv.FormatUint(i, 10) == token
}

func noData(at, what string) error {
	if at == "" {
		at = "the root"
	}
	return fmt.Errorf("%w: %s at %s", analysis.ErrNoData, what, at)
}
