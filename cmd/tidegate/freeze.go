package main

import "github.com/tidegate-go/tidegate/guardrails"

// freezes is the guard of --calendar, which minds those verbs; none without a file.
func freezes(file string, verbs ...guardrails.Verb) []guardrails.Guard {
	if file == "" {
		return nil
	}
	return []guardrails.Guard{&guardrails.Calendar{FrozenFile: file, Verbs: verbs}}
}
