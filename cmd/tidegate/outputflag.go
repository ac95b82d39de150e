package main

import (
	"encoding/json"
	"fmt"
	"io"
)

// outputFlag says as what to report, for verbs that say a line or two.
type outputFlag struct {
	Output string `enum:"text,json" default:"text" help:"What to report as: text, or json, which is one object a line."`
}

// said is what a verb has to say.
type said struct {
	// Said is what became of it, such as "tripped" or "lifted".
	Said string `json:"said"`
	// File and Rollout are what it became of, where it is one of them.
	File    string `json:"file,omitempty"`
	Rollout string `json:"rollout,omitempty"`
	// Left are the undos that it is about.
	Left  []string `json:"left,omitempty"`
	Error string   `json:"error,omitempty"`
}

// say reports s, or in words the text.
func (o outputFlag) say(stdout io.Writer, s said, format string, args ...any) {
	if o.Output == "json" {
		_ = json.NewEncoder(stdout).Encode(s)
		return
	}
	fmt.Fprintf(stdout, format+"\n", args...)
}
