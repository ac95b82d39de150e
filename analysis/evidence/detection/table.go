package main

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/tidegate-go/tidegate/analysis/evidence"
)

// table is a title, and rows of which the first has the columns' names.
type table struct {
	title string
	rows  [][]string
}

// style is how tables are printed.
type style uint8

const (
	plain style = iota
	inMarkdown
)

func (t table) print(out io.Writer, s style) {
	widths := make([]int, len(t.rows[0]))
	for _, row := range t.rows {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	fmt.Fprintf(out, "\n%s\n\n", t.title)
	for n, row := range t.rows {
		var line strings.Builder
		for i, cell := range row {
			pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			switch {
			case s == inMarkdown:
				line.WriteString("| " + cell + pad + " ")
			case i == 0:
				line.WriteString(cell + pad)
			default:
				line.WriteString("  " + pad + cell)
			}
		}
		if s == inMarkdown {
			line.WriteString("|")
		}
		fmt.Fprintln(out, strings.TrimRight(line.String(), " "))
		if n == 0 && s == inMarkdown {
			fmt.Fprintln(out, strings.Repeat("|---", len(row))+"|")
		}
	}
}

func names(methods []method) (all []string) {
	for _, m := range methods {
		all = append(all, m.name)
	}
	return all
}

// falseRollbacks is about the releases that are fine.
func falseRollbacks(results []result, methods []method) table {
	t := table{
		title: "False rollbacks, in percent of releases that are fine (error rate, canary's share)",
		rows:  [][]string{append([]string{"service"}, names(methods)...)},
	}
	means := make([]float64, len(methods))
	n := 0.0
	for _, r := range results {
		if r.lift != 1 {
			continue
		}
		n++
		row := []string{r.String()}
		for k := range methods {
			means[k] += r.rolledBack(k)
			row = append(row, percent(r.rolledBack(k)))
		}
		t.rows = append(t.rows, row)
	}
	mean := []string{"mean"}
	for _, sum := range means {
		mean = append(mean, percent(sum/n))
	}
	t.rows = append(t.rows, mean)
	return t
}

// canaryRequests is about those that are not.
func canaryRequests(results []result, methods []method) table {
	t := table{
		title: "Canary requests until rollback: median / 95th percentile (median of bad ones), and what part is found if below 99.5%",
		rows:  [][]string{append([]string{"service", "lift", "bound"}, names(methods)...)},
	}
	for _, r := range results {
		if r.lift == 1 {
			continue
		}
		row := []string{r.String(), fmt.Sprintf("%gx", r.lift), figure(r.bound())}
		for k := range methods {
			row = append(row, r.cost(k))
		}
		t.rows = append(t.rows, row)
	}
	return t
}

// cost is one method's entry.
func (r result) cost(k int) string {
	requests := func(b rollback) float64 { return b.requests }
	bad := func(b rollback) float64 { return b.bad }
	found := r.rolledBack(k)
	var parts []string
	if median := r.quantile(k, 0.5, requests); !math.IsInf(median, 1) {
		parts = append(parts, fmt.Sprintf("%s / %s (%s)", figure(median), figure(r.quantile(k, 0.95, requests)), figure(r.quantile(k, 0.5, bad))))
	}
	if found < 0.995 {
		parts = append(parts, percent(found)+"%")
	}
	return strings.Join(parts, " ")
}

// overTheBound sums up how far from the possible the methods are.
func overTheBound(results []result, methods []method) table {
	t := table{
		title: "Median of canary requests until rollback, over the bound: the median, best and worst of all settings in which the bound is 20 looks or more, and no more than half the time",
		rows:  [][]string{{"method", "median", "best", "worst", "settings"}},
	}
	for k, m := range methods {
		var ratios []float64
		for _, r := range results {
			if over := r.bound() / r.perLook(); r.lift == 1 || over < 20 || over > looks/2 {
				continue
			}
			ratios = append(ratios, r.quantile(k, 0.5, func(b rollback) float64 { return b.requests })/r.bound())
		}
		slices.Sort(ratios)
		row := []string{m.name}
		for _, p := range []float64{0.5, 0, 1} {
			row = append(row, ratio(evidence.Quantile(ratios, p)))
		}
		t.rows = append(t.rows, append(row, fmt.Sprint(len(ratios))))
	}
	return t
}

func percent(share float64) string { return fmt.Sprintf("%.2f", 100*share) }

// figure is a number of requests: whole, with spaces between thousands.
func figure(v float64) string {
	if math.IsInf(v, 1) {
		return "never"
	}
	digits := fmt.Sprintf("%.0f", v)
	for at := len(digits) - 3; at > 0; at -= 3 {
		digits = digits[:at] + " " + digits[at:]
	}
	return digits
}

func ratio(v float64) string {
	switch {
	case math.IsNaN(v):
		return "-"
	case math.IsInf(v, 1):
		return "never"
	}
	return fmt.Sprintf("%.2f", v)
}
