package command

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/tidegate-go/tidegate/analysis"
)

// The arms, as a program is told of them.
const (
	canary   = "canary"
	baseline = "baseline"
)

// prefix is what the variables begin with that are ours.
const prefix = "TIDEGATE_"

// brief is what a program is told on its standard input.
type brief struct {
	Arm      string    `json:"arm,omitempty"`
	Wave     int       `json:"wave"`
	Start    time.Time `json:"start"`
	End      time.Time `json:"end"`
	Canary   side      `json:"canary"`
	Baseline side      `json:"baseline"`
}

type side struct {
	Version string   `json:"version"`
	Members []member `json:"members"`
}

type member struct {
	Name   string            `json:"name"`
	Labels map[string]string `json:"labels,omitempty"`
	Since  time.Time         `json:"since,omitzero"`
}

func newBrief(w analysis.Window, arm string) brief {
	return brief{arm, w.Wave, w.Start.UTC(), w.End.UTC(), newSide(w.Canary), newSide(w.Baseline)}
}

func newSide(a analysis.Arm) side {
	s := side{Version: a.Version, Members: make([]member, len(a.Members))}
	for i, m := range a.Members {
		s.Members[i] = member{m.Name, m.Labels, m.Since.UTC()}
	}
	return s
}

func (b brief) json() ([]byte, error) {
	data, err := json.Marshal(b)
	if err != nil {
		return nil, fmt.Errorf("the window can't be told to the program: %w", err)
	}
	return append(data, '\n'), nil
}

// environment is what a program is told by variables.
func environment(w analysis.Window, arm string) []string {
	env := []string{
		prefix + "WAVE=" + strconv.Itoa(w.Wave),
		prefix + "START=" + unixSeconds(w.Start),
		prefix + "END=" + unixSeconds(w.End),
		prefix + "CANARY_VERSION=" + w.Canary.Version,
		prefix + "BASELINE_VERSION=" + w.Baseline.Version,
	}
	if arm != "" {
		env = append(env, prefix+"ARM="+arm)
	}
	return env
}

func unixSeconds(t time.Time) string {
	return strconv.FormatFloat(float64(t.UnixMilli())/1000, 'f', 3, 64)
}
