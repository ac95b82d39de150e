package main

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/tidegate-go/tidegate/analysis/scrape"
)

// cutRatio cuts EVENTS/TOTAL at the slash that is not within quotes or braces.
func cutRatio(flag, query string) (events, total string, err error) {
	depth, quote, at := 0, rune(0), -1
	escaped := false
	for i, r := range query {
		switch {
		case escaped:
			escaped = false
		case quote != 0 && r == '\\':
			escaped = true
		case quote != 0:
			if r == quote {
				quote = 0
			}
		case r == '"' || r == '\'':
			quote = r
		case r == '{' || r == '(':
			depth++
		case r == '}' || r == ')':
			depth--
		case r == '/' && depth == 0 && at >= 0:
			return "", "", badf("%s: %q has two slashes: want EVENTS/TOTAL", flag, query)
		case r == '/' && depth == 0:
			at = i
		}
	}
	if at >= 0 {
		events, total = strings.TrimSpace(query[:at]), strings.TrimSpace(query[at+1:])
	}
	if events == "" || total == "" {
		return "", "", badf(`%s: %q is no ratio: want EVENTS/TOTAL, as in http_requests_total{code=~"5.."}/http_requests_total`, flag, query)
	}
	return events, total, nil
}

var (
	selector = regexp.MustCompile(`^([^{}"\s]+)\s*(?:\{(.*)\})?$`)
	matcher  = regexp.MustCompile(`^\s*([A-Za-z_][A-Za-z0-9_]*)\s*(=~|!=|!~|=)\s*("(?:[^"\\]|\\.)*")\s*(,|$)`)
)

// parseCounter reads a selector, such as http_requests_total{code=~"5.."}.
func parseCounter(flag, text string) (c scrape.Counter, err error) {
	parts := selector.FindStringSubmatch(text)
	if parts == nil {
		return c, badf(`%s: %q is no counter: want one as http_requests_total{code=~"5.."}`, flag, text)
	}
	c.Name = parts[1]
	for rest := parts[2]; strings.TrimSpace(rest) != ""; {
		m := matcher.FindStringSubmatch(rest)
		if m == nil {
			return c, badf(`%s: %q: cannot read the labels from %q on: want label="value" or label=~"regular expression"`, flag, text, rest)
		}
		value, err := strconv.Unquote(m[3])
		switch {
		case err != nil:
			return c, badf("%s: %q: %s is no string", flag, text, m[3])
		case m[2][0] == '!':
			return c, badf("%s: %q: %s is not known here: want = or =~", flag, text, m[2])
		case m[2] == "=":
			value = regexp.QuoteMeta(value)
		}
		if c.Match == nil {
			c.Match = make(map[string]string)
		}
		if _, twice := c.Match[m[1]]; twice {
			return c, badf("%s: %q has the label %s twice", flag, text, m[1])
		}
		c.Match[m[1]] = value
		rest = rest[len(m[0]):]
	}
	return c, nil
}
