package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"
)

// account sums up the run in a short table.
func (d *demo) account(story []chapter) string {
	var b strings.Builder
	rows := [...]struct {
		title string
		cell  func(chapter) string
	}{
		{"", func(c chapter) string { return c.version }},
		{"how it ended", func(c chapter) string { return doing(c.result.Phase) }},
		{"most servers that had it", exposure},
		{"requests it answered", served},
		{"of these with an error", failed},
		{"time to detect", func(c chapter) string { return duration(c.result.TimeToDetect) }},
		{"time to roll back", func(c chapter) string { return duration(c.result.TimeToRollBack) }},
		{"time in all", func(c chapter) string { return duration(c.result.Times.Ended.Sub(c.result.Times.Started)) }},
		{"servers asked at the end", asked},
	}
	table := tabwriter.NewWriter(&b, 0, 0, 3, ' ', 0)
	for _, row := range rows {
		fmt.Fprint(table, "  "+row.title)
		for _, c := range story {
			fmt.Fprint(table, "\t"+row.cell(c))
		}
		fmt.Fprintln(table)
	}
	_ = table.Flush() // to memory
	for _, c := range story {
		if c.result.Reason != "" {
			b.WriteString("\n" + wrap(c.version+": "+c.result.Reason, "  ", wide) + "\n")
		}
	}
	b.WriteString("\n  What happened is on record, an event a line. Look at it with cat, or with jq:\n\n")
	for _, c := range story {
		b.WriteString("    cat " + filepath.Join(string(d.place.journal()), c.name+".jsonl") + "\n")
	}
	last := story[len(story)-1]
	b.WriteString("    jq -c '[.at, .kind, .step, .reason // .decision.reason]' " + filepath.Join(string(d.place.journal()), last.name+".jsonl") + "\n")
	return "\n" + b.String()
}

func exposure(c chapter) string {
	return fmt.Sprintf("%d of %d, in wave %d of %d", c.result.PeakExposed, c.result.Targets, c.result.Wave, c.result.Waves)
}

func served(c chapter) string { return atLeast(c) + fmt.Sprint(c.answers.All) }

func failed(c chapter) string {
	if c.answers.All == 0 {
		return "-"
	}
	return fmt.Sprintf("%s%d (%.1f%%)", atLeast(c), c.answers.Bad, 100*float64(c.answers.Bad)/float64(c.answers.All))
}

// atLeast marks figures of a rollout that another process began: what that one
// saw between two looks at the metrics, nobody knows.
func atLeast(c chapter) string {
	if c.atLeast {
		return "at least "
	}
	return ""
}

func duration(d time.Duration) string {
	if d <= 0 {
		return "-"
	}
	return seconds(d)
}

func asked(c chapter) string {
	if c.asked == nil {
		return "by the earlier run"
	}
	return fmt.Sprintf("%d of %d say %s", c.asked[c.expected], c.result.Targets, c.expected)
}
