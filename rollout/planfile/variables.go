package planfile

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]*$`)

// fill puts the variables into a text: ${name} is the variable, and $${ is a plain ${.
// It calls wrong with what cannot be filled in.
func fill(text string, vars map[string]string, wrong func(msg string)) string {
	if !strings.Contains(text, "${") {
		return text
	}
	var b strings.Builder
	for text != "" {
		switch {
		case strings.HasPrefix(text, "$${"):
			b.WriteString("${")
			text = text[3:]
		case strings.HasPrefix(text, "${"):
			name, rest, closed := strings.Cut(text[2:], "}")
			if !closed || !variableName.MatchString(name) {
				wrong("has a ${ that is no variable: want ${name}, or $${ for a plain ${")
				return b.String()
			}
			value, known := vars[name]
			if !known {
				wrong(fmt.Sprintf("the variable %s has no value: %s", name, meantVariable(name, vars)))
			}
			b.WriteString(value)
			text = rest
		default:
			b.WriteByte(text[0])
			text = text[1:]
		}
	}
	return b.String()
}

func meantVariable(name string, vars map[string]string) string {
	if len(vars) == 0 {
		return "no variable has one"
	}
	return meant(name, slices.Collect(maps.Keys(vars)))
}

// literal is the text that fill makes this of.
func literal(text string) string { return strings.ReplaceAll(text, "${", "$${") }
