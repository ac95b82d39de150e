package analysis

// unusable is the trial of a judge whose settings have problems: it never
// passes, whatever it sees, even if nobody has validated the plan.
type unusable string

// Judge says what is wrong with the settings.
func (u unusable) Judge(Observation) Verdict { return Verdict{Outcome: Error, Reason: string(u)} }

// firstProblem returns the first problem of a judge, empty for none.
func firstProblem(judge string, p Problemer) string {
	first := ""
	p.Problems(func(path, msg string) {
		if first == "" {
			first = judge + "." + path + " " + msg
		}
	})
	return first
}
