package analysis

import "fmt"

// jointFail is the weighted mean of the e-values of all checks that weigh evidence:
// an e-value itself under any dependence between the checks, so that it bounds the
// false fails of all of them together (Vovk & Wang 2021). The weight of a check is
// the part of alpha that its e-value stands for, 1/HarmNeeded; what it spends
// otherwise (an exact lane) is not in there. So the mean is large enough when the
// parts of what is needed, that each check has, add up to one. A check that has seen
// nothing counts as 0. That a check fails alone, at its share of alpha, is implied.
//
// It is only taken when every one of them has looked since the last time. Checks
// of the same requests depend on each other: what one has seen tells what the
// others are about to see, and the bound does not hold for a fail in between.
func (e *Evaluation) jointFail() string {
	if e.gate.PassScore > 0 {
		return ""
	}
	sum, n, worst, most := 0.0, 0, -1, 0.0
	for i := range e.checks {
		c := &e.checks[i]
		if !e.weighs(i) || c.burns {
			continue
		}
		if !c.looked {
			return ""
		}
		n++
		if need := c.verdict.Evidence.HarmNeeded; need > 0 {
			part := c.verdict.Evidence.Harm / need
			if sum += part; worst < 0 || part > most {
				worst, most = i, part
			}
		}
	}
	for i := range e.checks {
		e.checks[i].looked = false
	}
	if n < 2 || sum < 1 {
		return ""
	}
	return fmt.Sprintf("the %d checks together show harm (%s times what is needed), most of all %s: %s",
		n, times(sum), e.gate.Checks[worst].Name, e.checks[worst].verdict.Reason)
}

// weighs tells whether a check weighs evidence and acts on it.
func (e *Evaluation) weighs(check int) bool {
	c := &e.gate.Checks[check]
	return c.Judge != nil && weighsEvidence(c.Judge) && !c.Shadow
}
