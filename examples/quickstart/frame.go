package main

import (
	"fmt"
	"math"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/rollout"
)

// wide is the width that no line of the frame exceeds.
const wide = 78

// frame draws a view: a few lines that say at a glance how a rollout stands.
func frame(v view, p palette) []string {
	title := fmt.Sprintf("  %s: wave %d of %d, %s", v.To, v.Wave, len(v.Waves), doing(v.Phase))
	clock := seconds(v.Elapsed)
	title += strings.Repeat(" ", max(1, wide-utf8.RuneCountInString(title)-len(clock)))
	ev := v.Verdict.Evidence
	last := "  waits for  " + fit(v.Waits, wide-13)
	if v.Phase.Final() {
		last = "  because    " + fit(v.Reason, wide-13)
	}
	return []string{
		p.bold(title + clock),
		"  servers    " + servers(v, p) + fmt.Sprintf("   %d of %d on %s", v.Exposed, v.Fleet, v.To),
		"  errors     " + fit("canary "+arm(v.To, v.Verdict.Canary)+", baseline "+arm(v.From, v.Verdict.Baseline), wide-13),
		"  worse?     " + p.red(bar(ev.Harm, ev.HarmNeeded)) + fmt.Sprintf("  %-11s  full: it is taken back", weight(ev.Harm, ev.HarmNeeded)),
		"  fine?      " + p.green(bar(ev.Safe, ev.SafeNeeded)) + fmt.Sprintf("  %-11s  full: it may go on", weight(ev.Safe, ev.SafeNeeded)),
		last,
	}
}

// legend explains the servers' row of a frame.
func legend(p palette) string {
	return "  A server:  ░ old version  ▒ restarting  " + p.yellow("▓") + " new, on trial  " + p.green("█") + " new, trusted"
}

// doing says what happens in a phase.
func doing(phase rollout.Phase) string {
	switch phase {
	case rollout.Deploying:
		return "deploying"
	case rollout.Gating:
		return "watching"
	case rollout.RollingBack:
		return "taking it back"
	case rollout.Completed:
		return "done"
	}
	return strings.ReplaceAll(phase.String(), "-", " ")
}

// servers draws every server, wave by wave.
func servers(v view, p palette) string {
	var b strings.Builder
	for w, wave := range v.Waves {
		if w > 0 {
			b.WriteByte(' ')
		}
		for start := 0; start < len(wave); {
			end := start + 1
			for end < len(wave) && wave[end] == wave[start] {
				end++
			}
			mark, color := look(wave[start], w < v.Passed, p)
			b.WriteString(color(strings.Repeat(mark, end-start)))
			start = end
		}
	}
	return b.String()
}

// look is how a server is drawn; trusted says that a gate has passed it.
func look(status rollout.StepStatus, trusted bool, p palette) (mark string, color func(string) string) {
	switch {
	case status == rollout.StepPending || status == rollout.StepUndone:
		return "░", p.none
	case status == rollout.StepDoing || status == rollout.StepUndoing:
		return "▒", p.none
	case status == rollout.StepDone && trusted:
		return "█", p.green
	case status == rollout.StepDone:
		return "▓", p.yellow
	}
	return "!", p.red
}

// arm writes what one arm has shown so far.
func arm(version string, s analysis.Summary) string {
	if s.Total == 0 {
		return version + " -"
	}
	return fmt.Sprintf("%s %.1f%% (%d of %d)", version, 100*s.Rate, s.Events, s.Total)
}

const barWidth = 24

// bar draws evidence on a logarithmic scale: from 1, which says nothing, to
// what is needed.
func bar(value, needed float64) string {
	n := filled(value, needed)
	return strings.Repeat("█", n) + strings.Repeat("░", barWidth-n)
}

func filled(value, needed float64) int {
	if !(value > 1) || !(needed > 1) {
		return 0
	}
	return int(barWidth * min(1, math.Log(value)/math.Log(needed)))
}

// weight writes evidence, and how much is needed.
func weight(value, needed float64) string {
	switch {
	case needed == 0:
		return "-"
	case value > 999:
		return fmt.Sprintf(">999 of %.0f", needed)
	case value < 10:
		return fmt.Sprintf("%.1f of %.0f", value, needed)
	}
	return fmt.Sprintf("%.0f of %.0f", value, needed)
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }

// fit cuts a text that is too long.
func fit(s string, most int) string {
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s)[:most-1]) + "…"
}
