package analysis

// Verdict is a judge's answer with the figures behind it. The zero Verdict is
// Undecided and holds.
type Verdict struct {
	Outcome Outcome `json:"outcome"`
	// Reason is one plain sentence with the decisive figures.
	Reason string `json:"reason"`
	// Canary and Baseline sum up what each arm has shown in the trial so far.
	Canary   Summary `json:"canary,omitzero"`
	Baseline Summary `json:"baseline,omitzero"`
	// Evidence is set by judges that weigh it; zero otherwise.
	Evidence Evidence `json:"evidence,omitzero"`
}

// Summary is one arm's figures: Rate is Events/Total for counts, the latest
// value for gauges.
type Summary struct {
	Rate   float64 `json:"rate"`
	Events uint64  `json:"events,omitempty"`
	Total  uint64  `json:"total,omitempty"`
}

// Evidence is a pair of e-values: how many times better the data is explained
// by "worse than tolerated" than by "no worse" (Harm), and by "safe" than by
// "harmful" (Safe; where there are several ways to be safe, their mean). A release fails when Harm reaches HarmNeeded (1/α)
// and passes when Safe reaches SafeNeeded (1/β). Values are capped at 1e300.
type Evidence struct {
	Harm       float64 `json:"harm"`
	Safe       float64 `json:"safe"`
	HarmNeeded float64 `json:"harmNeeded,omitempty"`
	SafeNeeded float64 `json:"safeNeeded,omitempty"`
}
