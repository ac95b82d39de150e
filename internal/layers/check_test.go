package layers

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"slices"
	"strings"
)

// listed is what `go list -deps -json` says about one package.
type listed struct {
	ImportPath string
	Name       string
	Standard   bool
	Imports    []string
	Deps       []string
	Module     *struct{ Path string }
	Dir        string
}

// graph is the packages of a module, and all that they depend on.
type graph struct {
	module   string
	packages map[string]listed
}

func newGraph(module string, packages []listed) graph {
	g := graph{module: module, packages: make(map[string]listed, len(packages))}
	for _, p := range packages {
		g.packages[p.ImportPath] = p
	}
	return g
}

// ours returns a package's path within the module.
func (g graph) ours(importPath string) (rel string, ok bool) {
	if importPath == g.module {
		return ".", true
	}
	return strings.CutPrefix(importPath, g.module+"/")
}

// thirdParty returns the module of a package that is neither ours nor the
// standard library's, and else "".
func (g graph) thirdParty(importPath string) string {
	p, known := g.packages[importPath]
	if _, ours := g.ours(importPath); ours || !known || p.Standard || p.Module == nil {
		return ""
	}
	return p.Module.Path
}

// violations says everything in which the graph breaks the rules, sorted.
func violations(g graph, rules []rule, importers map[string][]string) []string {
	var all []string
	for path, p := range g.packages {
		rel, ours := g.ours(path)
		if !ours {
			continue
		}
		r, ok := ruleFor(rules, rel)
		if !ok {
			all = append(all, fmt.Sprintf("%s is not in the table: decide on its layer (CONTRIBUTING.md) and add a line to internal/layers/rules_test.go", rel))
			continue
		}
		all = append(all, importViolations(g, rules, r, rel, p)...)
		all = append(all, moduleViolations(g, r, importers, rel, p)...)
	}
	slices.Sort(all)
	return all
}

// importViolations says which packages of ours p must not import.
func importViolations(g graph, rules []rule, r rule, rel string, p listed) (all []string) {
	for _, imported := range p.Imports {
		target, ours := g.ours(imported)
		if !ours {
			continue
		}
		tr, ok := ruleFor(rules, target)
		switch {
		case !ok: // has its own message
		case r.alone:
			all = append(all, fmt.Sprintf("%s imports %s: it may import nothing of ours", rel, target))
		case tr.layer < r.layer, slices.Contains(r.also, target):
		case tr.layer == r.layer:
			all = append(all, fmt.Sprintf("%s imports %s, of its own layer %d: move what they share down a layer", rel, target, r.layer))
		default:
			all = append(all, fmt.Sprintf("%s (layer %d) imports %s (layer %d): imports only point down", rel, r.layer, target, tr.layer))
		}
	}
	return all
}

// moduleViolations says which third-party modules p must not import or link.
func moduleViolations(g graph, r rule, importers map[string][]string, rel string, p listed) (all []string) {
	for _, imported := range p.Imports {
		module := g.thirdParty(imported)
		if only, restricted := importers[module]; restricted && !slices.ContainsFunc(only, func(pattern string) bool { return matches(pattern, rel) }) {
			all = append(all, fmt.Sprintf("%s imports %s, which only %s may", rel, imported, strings.Join(only, ", ")))
		}
	}
	if r.linksAny {
		return all
	}
	seen := map[string]bool{}
	for _, dep := range p.Deps {
		module := g.thirdParty(dep)
		if module == "" || seen[module] || slices.Contains(r.links, module) {
			continue
		}
		seen[module] = true
		all = append(all, fmt.Sprintf("%s links %s, by way of %s, and its users would too: see the links of its line in internal/layers/rules_test.go", rel, module, dep))
	}
	return all
}

func ruleFor(rules []rule, rel string) (rule, bool) {
	i := slices.IndexFunc(rules, func(r rule) bool { return matches(r.path, rel) })
	if i < 0 {
		return rule{}, false
	}
	return rules[i], true
}

func matches(pattern, rel string) bool {
	if under, ok := strings.CutSuffix(pattern, "/..."); ok {
		return rel == under || strings.HasPrefix(rel, under+"/")
	}
	return pattern == rel
}

// undocumented says what is wrong with a package's comment. It belongs in
// doc.go, and for a program in any of its files.
func undocumented(dir fs.FS, program bool) string {
	files := []string{"doc.go"}
	if program {
		files, _ = fs.Glob(dir, "*.go")
	}
	for _, name := range files {
		text, err := fs.ReadFile(dir, name)
		if err != nil {
			return "has no doc.go: write one with a package comment that tells a newcomer what the package is for"
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, text, parser.PackageClauseOnly|parser.ParseComments)
		if err != nil {
			return err.Error()
		}
		if strings.TrimSpace(file.Doc.Text()) != "" {
			return ""
		}
	}
	return "has no package comment"
}
