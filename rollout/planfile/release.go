package planfile

import "github.com/tidegate-go/tidegate/rollout"

func release(s *Section) rollout.Release {
	s.Need("service", "from", "to")
	return rollout.Release{
		Service: s.Text("service"), From: s.Text("from"), To: s.Text("to"),
		Sequence: s.Whole("sequence"), Issued: s.Time("issued"),
	}
}

func failures(s *Section) rollout.FailureBudget {
	return rollout.FailureBudget{PerWave: s.Count("per-wave", 0), Total: s.Count("total", 0)}
}
