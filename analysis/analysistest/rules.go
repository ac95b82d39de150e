package analysistest

import "github.com/tidegate-go/tidegate/analysis"

var rules = []rule{
	{
		name:        "answers",
		explanation: "for a window with traffic, Observe returns the canary's data, and the baseline's if there is any. A source that never answers can pass nothing",
		check:       answers,
	},
	{
		name:        "the time of an observation",
		explanation: "Observation.At is when the data ends: within the window, or zero for its End. A time before the window is that of stale data, one after it claims what nobody has asked about",
		check:       timesWithin,
	},
	{
		name:        "well-formed samples",
		explanation: "events are among the total, values are finite, the buckets of a histogram are cumulative with increasing bounds, slices have names of their own, both arms have the same kind of data, and there is none beside an Err",
		check:       wellFormed,
	},
	{
		name:        "survives JSON",
		explanation: "an observation is recorded as JSON, and judged again from the record after a crash: what is read back must be what was seen",
		check:       survivesJSON,
	},
	{
		name:        "counts add up",
		explanation: "over consecutive windows every event is counted once: in the window that it belongs to or a later one, and never what was there before the first. A value is that of its window",
		needs:       hasTraffic,
		check:       addsUp,
	},
	{
		name:        "an error loses nothing",
		explanation: "when an observation fails, the next one is asked about the window of both, and must have the events of both",
		needs:       hasTraffic,
		check:       losesNothing,
	},
	{
		name:        "shared or exclusive",
		explanation: "a Source may be called concurrently. If it isn't analysis.Exclusive, it serves several checks, and each sees all that happened; if it is, all calls together count every event once, and it's comparable, so that a plan that shares it can be refused",
		check:       sharedOrExclusive,
	},
	{
		name:        "a canary without members",
		explanation: "nobody in the canary is analysis.ErrNoData, or a canary that is no data. An empty list of names in a query tends to match everything",
		check:       emptyCanary,
	},
	{
		name:        "a baseline without members",
		explanation: "nobody in the baseline is a baseline that is no data, beside a canary that is seen as ever: after the last wave nobody is left in the baseline",
		check:       emptyBaseline,
	},
	{
		name:        "a cancelled context",
		explanation: "with a context that is done already, Observe returns at once, with an error that wraps the context's. A rollout that was told to stop does not wait for metrics",
		check:       cancelledBefore,
	},
	{
		name:        "cancelled while it waits",
		explanation: "when the context is done while the backend does not answer, Observe returns promptly, with an error that wraps the context's, be it for a deadline or not",
		needs:       hasHang,
		check:       cancelledDuring,
	},
	{
		name:        "a broken backend",
		explanation: "a backend that fails is an error, each time, and never a sample: a zero in its place would be a perfect figure. Nor is it analysis.ErrNoData, which is for a backend that answered, with nothing",
		needs:       hasBreak,
		check:       brokenIsAnError,
	},
	{
		name:        "no goroutine left behind",
		explanation: "when Observe has returned and the rig is closed, no goroutine that it started is left. A gate observes for days",
		check:       leavesNothing,
	},
	{
		name:        "settings",
		explanation: "Problems says nothing of a source that works, and something of the zero value, which returns an error rather than panic. It is what tells a user of a mistake before anything is deployed",
		needs:       isProblemer,
		check:       tellsProblems,
	},
	{
		name:        "preflight",
		explanation: "Preflight finds nothing wrong with a backend that works, is an error for one that is broken or a context that is done, and what it sees does not count: with it or without, Observe returns the same",
		needs:       isPreflighter,
		check:       preflightCountsNothing,
	},
	{
		name:        "history",
		explanation: "History returns at most one well-formed observation for each span, oldest first, with a time in its span and what was seen there; it is an error when the context is done. From it a gate learns how much the arms differ when nothing does",
		needs:       isHistorian,
		check:       historyInOrder,
	},
}

func hasTraffic(r Rig) string {
	if r.Traffic == nil {
		return "this rig has no Traffic: nobody knows what should be counted"
	}
	return ""
}

func hasHang(r Rig) string {
	if r.Hang == nil {
		return "this rig has no Hang: its backend cannot be made to keep a caller waiting"
	}
	return ""
}

func hasBreak(r Rig) string {
	if r.Break == nil {
		return "this rig has no Break: its backend cannot be made to fail"
	}
	return ""
}

func isProblemer(r Rig) string {
	if _, ok := r.Source.(analysis.Problemer); !ok {
		return "this source is no analysis.Problemer: it cannot tell what is wrong with its settings"
	}
	return ""
}

func isPreflighter(r Rig) string {
	if _, ok := r.Source.(analysis.Preflighter); !ok {
		return "this source is no analysis.Preflighter: it is tried by Observe"
	}
	return ""
}

func isHistorian(r Rig) string {
	if _, ok := r.Source.(analysis.Historian); !ok {
		return "this source is no analysis.Historian: it knows nothing of the past"
	}
	return ""
}
