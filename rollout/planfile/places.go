package planfile

import (
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v3"
)

// places knows where in the file a field of the plan is: what rollout finds wrong with
// "Gate.Checks[1].Judge.Detect" is shown where somebody has written it.
type places struct {
	at map[string]place
	// words are the names in the file of the names that Go has, such as allow-big-bang
	// of AllowBigBang.
	words map[string]string
}

type place struct {
	line, column int
	path         string
}

// add notes where a field is: plan is its path without dashes, in small letters.
func (p *places) add(plan, path string, n *yaml.Node) {
	if _, known := p.at[plan]; !known {
		p.move(plan, path, n)
	}
}

// move notes where a field is that add may have noted elsewhere.
func (p *places) move(plan, path string, n *yaml.Node) {
	if p.at == nil {
		p.at = make(map[string]place)
	}
	p.at[plan] = place{n.Line, n.Column, path}
}

// name notes that a field goes by this name in the file.
func (p *places) name(field string) {
	if p.words == nil {
		p.words = make(map[string]string)
	}
	p.words[goName(field)] = field
}

var (
	waveNumber = regexp.MustCompile(`^wave ([0-9]+)`)
	goWord     = regexp.MustCompile(`\b(?:[A-Z][a-z]+){2,}\b`)
)

// find returns the place of a field of the plan, or of the nearest that it is part of;
// and what of the path is left then.
func (p *places) find(path string) (at place, rest string) {
	if m := waveNumber.FindStringSubmatch(path); m != nil {
		n, _ := strconv.Atoi(m[1])
		path = "Waves[" + strconv.Itoa(n-1) + "]" + path[len(m[0]):]
	}
	for cut := path; cut != ""; {
		if at, ok := p.at["."+planName(cut)]; ok {
			return at, strings.TrimPrefix(path[len(cut):], ".")
		}
		cut = cut[:max(0, strings.LastIndexAny(cut, ".["))]
	}
	return place{line: 1}, path
}

// say puts the names that the file has in place of those that Go has.
func (p *places) say(msg string) string {
	return goWord.ReplaceAllStringFunc(msg, func(word string) string {
		if field, ok := p.words[word]; ok {
			return field
		}
		return word
	})
}

// planName is a name of the file or of Go, as places has it.
func planName(name string) string { return strings.ToLower(strings.ReplaceAll(name, "-", "")) }

// fileName is how a path of Go's is likely to be written in the file: bake.at-least for
// Bake.AtLeast.
func fileName(path string) string {
	var b strings.Builder
	for i, r := range path {
		small := i > 0 && path[i-1] >= 'a' && path[i-1] <= 'z'
		if small && r >= 'A' && r <= 'Z' {
			b.WriteByte('-')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

// goName is what a field is likely to be called in Go: AtLeast for at-least.
func goName(field string) string {
	var b strings.Builder
	for part := range strings.SplitSeq(field, "-") {
		if part != "" {
			b.WriteString(strings.ToUpper(part[:1]) + part[1:])
		}
	}
	return b.String()
}
