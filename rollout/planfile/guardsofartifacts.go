package planfile

import (
	"context"
	"errors"
	"io"
	"strconv"
	"strings"

	"github.com/tidegate-go/tidegate/guardrails"
	"github.com/tidegate-go/tidegate/internal/procgroup"
)

// These guards run a program, or look at a file, to see what is about to be deployed.

func validator(s *Section) guardrails.Guard {
	s.Short("run")
	s.Need("run")
	g := &guardrails.Validator{Timeout: s.Duration("timeout"), Fresh: s.Duration("fresh")}
	if run := programOf(s, "run"); run.args != nil {
		g.Validate = func(ctx context.Context) error { return run.run(ctx, nil) }
	}
	if bad := programOf(s, "known-bad"); bad.args != nil {
		g.KnownBad = func(ctx context.Context) error { return bad.run(ctx, nil) }
	}
	return g
}

func taste(s *Section) guardrails.Guard {
	s.Short("run")
	s.Need("run")
	s.As("run", "Args")
	g := &guardrails.Taste{
		Args: s.Program("run"), KnownBad: s.Program("known-bad"), Dir: s.Path("dir"), Env: s.Texts("env"), For: s.Duration("for"),
		Timeout: s.Duration("timeout"), MaxOutput: s.Count("max-output", 1), Fresh: s.Duration("fresh"),
	}
	if g.Dir == "" {
		g.Args, g.KnownBad = s.doc.program(g.Args), s.doc.program(g.KnownBad)
	}
	return g
}

func maxDiff(s *Section) guardrails.Guard {
	s.Need("new", "good")
	count := (func(io.Reader) (int64, error))(nil)
	if s.Flag("lines") {
		count = guardrails.CountLines
	}
	return &guardrails.MaxDiff{
		New: guardrails.ArtifactFile(s.Path("new"), count), Good: guardrails.ArtifactFile(s.Path("good"), count),
		Grow: s.AnyPercent("grow"), Shrink: s.Percent("shrink"),
		MaxBytes: int64(s.Count("max-bytes", 1)), MaxEntries: int64(s.Count("max-entries", 1)), First: s.Text("first"),
	}
}

// errorBudget asks a program for the share of the error budget that is left.
func errorBudget(s *Section) guardrails.Guard {
	s.Short("run")
	s.Need("run")
	args := programOf(s, "run").args
	return &guardrails.ErrorBudget{
		Budget: func(ctx context.Context) (float64, error) {
			out, err := procgroup.Command{Args: args}.Run(ctx)
			if err != nil {
				return 0, err
			}
			left, err := strconv.ParseFloat(strings.TrimSpace(string(out.Stdout)), 64)
			if err != nil {
				return 0, errors.New("it wrote no number, the share that is left: want 1 for all of it and 0 for none")
			}
			return left, nil
		},
		Min: s.Share("min"), Fix: s.Text("fix"), Every: s.Duration("every"),
	}
}
