package rollout

import "github.com/tidegate-go/tidegate/analysis"

// Spec returns the plan as the core sees it, with its waves made and every default
// filled in, or every problem of the plan as a *PlanError. It touches nothing.
func (p *Plan) Spec() (*Spec, error) {
	c, err := p.compile()
	if err != nil {
		return nil, err
	}
	return c.spec, nil
}

// Gates returns the gate behind each wave, nil for a wave that is Ungated. Waves that
// share a gate share the pointer. The error is that of Spec.
func (p *Plan) Gates() ([]*analysis.Gate, error) {
	c, err := p.compile()
	if err != nil {
		return nil, err
	}
	return c.gates, nil
}
