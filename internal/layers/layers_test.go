package layers

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

// The repository keeps to its architecture.
func TestLayers(t *testing.T) {
	g := load(t)
	for _, v := range violations(g, rules, importers) {
		t.Error(v)
	}
}

// Every package says what it is for.
func TestEveryPackageIsDocumented(t *testing.T) {
	g := load(t)
	for path, p := range g.packages {
		if rel, ours := g.ours(path); ours {
			if wrong := undocumented(os.DirFS(p.Dir), p.Name == "main"); wrong != "" {
				t.Errorf("%s %s", rel, wrong)
			}
		}
	}
}

const root = "../.." // of the module

// load asks the go command about all packages of the module.
func load(t *testing.T) graph {
	t.Helper()
	noticeChanges(t)
	goList := func(args ...string) []byte {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "go", append([]string{"list"}, args...)...)
		cmd.Dir = root
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		require.NoError(t, err, "go list: %s", &stderr)
		return out
	}
	module := strings.TrimSpace(string(goList("-m")))
	var packages []listed
	dec := json.NewDecoder(bytes.NewReader(goList("-deps", "-json=ImportPath,Name,Standard,Imports,Deps,Module,Dir", "./...")))
	for {
		var p listed
		err := dec.Decode(&p)
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		packages = append(packages, p)
	}
	g := newGraph(module, packages)
	require.Contains(t, g.packages, module+"/guardrails", "this test looks at the wrong place")
	return g
}

// noticeChanges looks at every Go file, so that a cached result of this test is
// not taken for good after one has changed: of what the go command reads for a
// test the cache knows nothing.
func noticeChanges(t *testing.T) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist): // another test's
			return nil
		case err != nil || path == root:
			return err
		}
		if d.IsDir() && strings.HasPrefix(d.Name(), ".") {
			return fs.SkipDir
		}
		if filepath.Ext(path) == ".go" {
			_, _ = os.Stat(path)
		}
		return nil
	}))
}

// The check bites: each broken rule of a made-up module is found, and nothing
// else is.
func TestViolations(t *testing.T) {
	madeUp := []rule{
		{path: "base", layer: 0, links: []string{"heavy.org/http"}},
		{path: "maths", layer: 1, alone: true},
		{path: "core", layer: 1, also: []string{"maths"}},
		{path: "engine", layer: 2},
		{path: "other", layer: 2},
		{path: "examples/...", layer: 3, linksAny: true},
	}
	owners := map[string][]string{"heavy.org/http": {"base", "examples/..."}}
	const listSays = "links heavy.org/http, by way of heavy.org/http/client, and its users would too: see the links of its line in internal/layers/rules_test.go"
	for _, tc := range []struct {
		story   string
		pkg     string
		imports []string
		want    []string
	}{
		{"down is fine", "engine", []string{"example.org/m/core", "example.org/m/maths"}, nil},
		{"the standard library is fine", "maths", []string{"math"}, nil},
		{"up is not", "core", []string{"example.org/m/engine"}, []string{"core (layer 1) imports engine (layer 2): imports only point down"}},
		{"programs are nobody's to import", "engine", []string{"example.org/m/examples/a"}, []string{"engine (layer 2) imports examples/a (layer 3): imports only point down"}},
		{"nor aside", "engine", []string{"example.org/m/other"}, []string{"engine imports other, of its own layer 2: move what they share down a layer"}},
		{"but where the table says so", "core", []string{"example.org/m/maths"}, nil},
		{"and only in that direction", "maths", []string{"example.org/m/core"}, []string{"maths imports core: it may import nothing of ours"}},
		{"alone means alone", "maths", []string{"example.org/m/base"}, []string{"maths imports base: it may import nothing of ours", "maths " + listSays}},
		{"an unknown package", "utils", nil, []string{"utils is not in the table: decide on its layer (CONTRIBUTING.md) and add a line to internal/layers/rules_test.go"}},
		{"the root is one too", "", nil, []string{". is not in the table: decide on its layer (CONTRIBUTING.md) and add a line to internal/layers/rules_test.go"}},
		{"a module in the one place that may have it", "base", []string{"heavy.org/http/client"}, nil},
		{"a module in another", "engine", []string{"heavy.org/http/client"}, []string{
			"engine imports heavy.org/http/client, which only base, examples/... may", "engine " + listSays}},
		{"a module by a detour", "engine", []string{"example.org/m/base"}, []string{"engine " + listSays}},
		{"programs link what they like", "examples/a", []string{"heavy.org/http/client", "example.org/m/engine"}, nil},
		{"a name that only begins the same is another package", "enginex", nil, []string{"enginex is not in the table: decide on its layer (CONTRIBUTING.md) and add a line to internal/layers/rules_test.go"}},
	} {
		t.Run(tc.story, func(t *testing.T) {
			heavy := listed{ImportPath: "heavy.org/http/client", Module: &struct{ Path string }{"heavy.org/http"}}
			packages := []listed{
				{ImportPath: "math", Standard: true},
				heavy,
				{ImportPath: "example.org/m/base", Imports: []string{heavy.ImportPath}, Deps: []string{heavy.ImportPath}},
				{ImportPath: "example.org/m/maths"},
				{ImportPath: "example.org/m/core"},
				{ImportPath: "example.org/m/engine"},
				{ImportPath: "example.org/m/other"},
				{ImportPath: "example.org/m/examples/a"},
			}
			under := newGraph("example.org/m", packages)
			path := strings.TrimSuffix("example.org/m/"+tc.pkg, "/")
			p := listed{ImportPath: path, Imports: tc.imports}
			for _, imported := range tc.imports {
				p.Deps = append(append(p.Deps, imported), under.packages[imported].Deps...)
			}
			under.packages[path] = p
			require.Equal(t, tc.want, violations(under, madeUp, owners))
		})
	}
}

func TestUndocumented(t *testing.T) {
	const noDoc = "has no doc.go: write one with a package comment that tells a newcomer what the package is for"
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	for _, tc := range []struct {
		story   string
		dir     fstest.MapFS
		program bool
		want    string
	}{
		{"a comment in doc.go", fstest.MapFS{"doc.go": file("// Package a is for all.\npackage a")}, false, ""},
		{"no doc.go", fstest.MapFS{"a.go": file("// Package a is for all.\npackage a")}, false, noDoc},
		{"a doc.go that says nothing", fstest.MapFS{"doc.go": file("package a")}, false, "has no package comment"},
		{"a comment about something else", fstest.MapFS{"doc.go": file("// Copyright\n\npackage a")}, false, "has no package comment"},
		{"no Go at all", fstest.MapFS{"doc.go": file("Package a")}, false, "doc.go:1:1: expected 'package', found Package"},
		{"a program says it where it likes", fstest.MapFS{"a.go": file("package main"), "main.go": file("// Command a is for all.\npackage main")}, true, ""},
		{"but it says it", fstest.MapFS{"main.go": file("package main")}, true, "has no package comment"},
	} {
		t.Run(tc.story, func(t *testing.T) {
			require.Equal(t, tc.want, undocumented(tc.dir, tc.program))
		})
	}
}

// The table says nothing twice, and nothing that can't be.
func TestRules(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range rules {
		require.False(t, seen[r.path], "%s is there twice", r.path)
		seen[r.path] = true
	}
	for _, r := range rules {
		for _, also := range r.also {
			other, ok := ruleFor(rules, also)
			require.True(t, ok, "%s may also import %s, which is not in the table", r.path, also)
			require.Equal(t, r.layer, other.layer, "%s may import %s by its layer", r.path, also)
		}
	}
}
