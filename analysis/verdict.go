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
	// Ratio is how many times worse the canary is than the baseline: the odds ratio
	// of counts, the ratio of values. Zero where they are not compared.
	Ratio Estimate `json:"ratio,omitzero"`
	// Visible is the smallest regression that the data so far could have shown, as
	// a ratio of the same kind. Zero where that is not known, or there is none yet.
	Visible float64 `json:"visible,omitempty"`
	// Calibration says what is known of how comparable the arms are.
	Calibration string `json:"calibration,omitempty"`
	// Final says that no later observation changes the verdict, so that there is
	// nothing to wait for. A Fail always is.
	Final bool `json:"final,omitempty"`
	// Blameless says that what keeps this from being a pass is nothing that the
	// release did: the baseline shows as much. A gate that waits for nothing else
	// holds for a human at its deadline, whatever its policy, and rolls nothing back.
	Blameless bool `json:"blameless,omitempty"`
	// Slice names the worst of the slices, where they are judged one by one.
	Slice string `json:"slice,omitempty"`
}

// Estimate is a figure with the interval in which the true one lies, with the given
// Confidence, however often one looks. A zero Low or High is no bound: nothing is
// known yet on that side.
type Estimate struct {
	Value      float64 `json:"value,omitempty"`
	Low        float64 `json:"low,omitempty"`
	High       float64 `json:"high,omitempty"`
	Confidence float64 `json:"confidence,omitempty"`
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
// and passes when Safe reaches SafeNeeded (1/β). Values are capped at 1e300. For BurnRate, HarmNeeded is
// necessary, and does not fail a release by itself. Of NotWorse, it is the evidence of the
// comparison: what is held against a baseline of the past is in the Reason alone.
type Evidence struct {
	Harm       float64 `json:"harm"`
	Safe       float64 `json:"safe"`
	HarmNeeded float64 `json:"harmNeeded,omitempty"`
	SafeNeeded float64 `json:"safeNeeded,omitempty"`
	// Sum and Critical are those of the exact lane, where it is on: the canary's
	// events that were compared, and how many of them fail.
	Sum      uint64 `json:"sum,omitempty"`
	Critical uint64 `json:"critical,omitempty"`
}
