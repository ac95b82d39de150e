package planfile

import (
	"github.com/tidegate-go/tidegate/guardrails"
)

// These guards go by what has been, or by what somebody has said.

func rate(s *Section) guardrails.Guard {
	s.Need("max", "per")
	return guardrails.Rate{History: history(s), Max: s.Count("max", 1), Per: s.Duration("per"), All: s.Flag("all")}
}

func breaker(s *Section) guardrails.Guard {
	s.Need("resets")
	return guardrails.Breaker{History: history(s), After: s.Count("after", 1), Resets: s.Path("resets")}
}

func history(s *Section) guardrails.History {
	if s.doc.opts.History == nil {
		s.Fault("", "goes by what has been, and nobody knows that here: it takes a journal")
	}
	return s.doc.opts.History
}

func approval(s *Section) guardrails.Guard {
	s.Need("file", "author")
	return &guardrails.Approval{
		Source: guardrails.ApprovalFile(s.Path("file")), Author: s.Text("author"),
		Need: s.Count("need", 1), Valid: s.Duration("valid"), Every: s.Duration("every"),
	}
}
