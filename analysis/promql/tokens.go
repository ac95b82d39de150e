package promql

import "strings"

// token is a part of a query: a string with its quotes, or what is between two.
// Comments are left out.
type token struct {
	text  string
	quote byte // 0 outside of strings
}

// split takes a query apart at its strings and comments.
func split(query string) (tokens []token) {
	var outside strings.Builder
	flush := func() {
		if outside.Len() > 0 {
			tokens = append(tokens, token{text: outside.String()})
			outside.Reset()
		}
	}
	for i := 0; i < len(query); {
		switch c := query[i]; c {
		case '#':
			end := strings.IndexByte(query[i:], '\n')
			if end < 0 {
				end = len(query) - i
			}
			outside.WriteByte(' ')
			i += end
		case '"', '\'', '`':
			end := i + 1
			for end < len(query) && query[end] != c {
				if query[end] == '\\' && c != '`' {
					end++
				}
				end++
			}
			end = min(end+1, len(query))
			flush()
			tokens = append(tokens, token{text: query[i:end], quote: c})
			i = end
		default:
			outside.WriteByte(c)
			i++
		}
	}
	flush()
	return tokens
}
