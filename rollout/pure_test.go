package rollout

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

// The core decides; it never acts. Its files may not even name what would let
// them: a clock, a goroutine, a channel, randomness, or the outside world.
var coreFiles = []string{"state.go", "event.go", "step.go", "wants.go", "undo.go", "verb.go", "spec.go", "phase.go"}

func TestTheCoreIsPure(t *testing.T) {
	for _, name := range coreFiles {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		require.NoError(t, err)
		require.Empty(t, impurities(file), name)
	}
}

func TestThePurityTestBites(t *testing.T) {
	for _, tc := range []struct{ name, body, want string }{
		{"clock", `import "time"; func f() { _ = time.Now() }`, "time.Now"},
		{"timer", `import "time"; func f() { time.AfterFunc(0, nil) }`, "time.AfterFunc"},
		{"goroutine", `func f() { go f() }`, "go statement"},
		{"receive", `func f(c chan int) { <-c }`, "channel"},
		{"send", `func f(c chan int) { c <- 1 }`, "channel"},
		{"select", `func f() { select {} }`, "select"},
		{"os", `import "os"; var _ = os.Args`, "import os"},
		{"rand", `import "math/rand/v2"; var _ = rand.Int()`, "import math/rand/v2"},
		{"context", `import "context"; var _ context.Context`, "import context"},
		{"renamed clock", `import t "time"; func f() { _ = t.Since(t.Time{}) }`, "time.Since"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			file, err := parser.ParseFile(token.NewFileSet(), "x.go", "package x\n"+tc.body, 0)
			require.NoError(t, err)
			require.Contains(t, impurities(file), tc.want)
		})
	}
}

func impurities(file *ast.File) (found []string) {
	allowed := []string{
		"errors", "fmt", "iter", "maps", "slices", "time",
		"github.com/tidegate-go/tidegate/analysis", "github.com/tidegate-go/tidegate/guardrails",
	}
	clock := []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "NewTimer", "NewTicker", "Tick"}
	timeName := "time"
	for _, imp := range file.Imports {
		path, _ := strconv.Unquote(imp.Path.Value)
		if !slices.Contains(allowed, path) {
			found = append(found, "import "+path)
		}
		if path == "time" && imp.Name != nil {
			timeName = imp.Name.Name
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			found = append(found, "go statement")
		case *ast.SelectStmt:
			found = append(found, "select")
		case *ast.SendStmt, *ast.ChanType:
			found = append(found, "channel")
		case *ast.UnaryExpr:
			if n.Op == token.ARROW {
				found = append(found, "channel")
			}
		case *ast.SelectorExpr:
			if x, ok := n.X.(*ast.Ident); ok && x.Name == timeName && slices.Contains(clock, n.Sel.Name) {
				found = append(found, "time."+n.Sel.Name)
			}
		}
		return true
	})
	return found
}
