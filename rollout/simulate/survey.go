package simulate

import "github.com/tidegate-go/tidegate/rollout"

// survey asks the targets that should run an old version what they run.
func (r *runner) survey(e *rollout.Effect) *rollout.Survey {
	s := r.s
	want := orDefault(e.Version, s.spec.From)
	survey := &rollout.Survey{}
	i := int32(0)
	for id, status := range r.state.Steps() {
		t := &s.targets[i]
		i++
		if status != rollout.StepUndone {
			continue
		}
		survey.Asked++
		switch {
		case s.now < t.away || s.hit(SurveySilent):
			survey.Astray = append(survey.Astray, rollout.Astray{Step: id, Err: "it does not answer"})
		case t.runs != want:
			survey.Astray = append(survey.Astray, rollout.Astray{Step: id, Runs: t.runs})
		}
	}
	return survey
}
