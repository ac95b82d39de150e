package main

import (
	"encoding/json"
	"io"

	"github.com/tidegate-go/tidegate/examples/incidents/replay"
)

// incidentJSON is an incident for programs.
type incidentJSON struct {
	Name      string      `json:"name"`
	Title     string      `json:"title"`
	When      string      `json:"when"`
	Source    string      `json:"source"`
	Fault     string      `json:"fault"`
	Guardrail string      `json:"guardrail"`
	Without   outcomeJSON `json:"without"`
	With      outcomeJSON `json:"with"`
}

// outcomeJSON is an outcome for programs, with its times in seconds. What is not known,
// or never came, is left out.
type outcomeJSON struct {
	ExposedPercent float64  `json:"exposedPercent"`
	Of             string   `json:"of"`
	DetectSeconds  *float64 `json:"detectSeconds,omitempty"`
	RecoverSeconds *float64 `json:"recoverSeconds,omitempty"`
	OutageSeconds  *float64 `json:"outageSeconds,omitempty"` // where only the sum is known
	Refused        bool     `json:"refused"`
	Never          bool     `json:"never"`
	Ending         string   `json:"ending"`
	Story          []string `json:"story"`
}

func writeJSON(w io.Writer, all []told) error {
	list := make([]incidentJSON, 0, len(all))
	for _, t := range all {
		list = append(list, incidentJSON{t.Name, t.Title, t.When, t.Source, t.Fault, t.Guardrail, outcome(t.without), outcome(t.with)})
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(list)
}

func outcome(o replay.Outcome) outcomeJSON {
	j := outcomeJSON{ExposedPercent: o.Exposed, Of: o.Of, Refused: o.Refused, Never: o.Never, Ending: o.Ending, Story: o.Story}
	detect, recovery := o.Detect.Seconds(), o.Recover.Seconds()
	switch {
	case o.Refused:
	case o.Sum:
		j.OutageSeconds = &recovery
	default:
		j.DetectSeconds = &detect
		if !o.Never {
			j.RecoverSeconds = &recovery
		}
	}
	return j
}
