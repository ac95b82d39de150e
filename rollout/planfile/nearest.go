package planfile

import (
	"slices"
	"strings"
)

// meant ends a fault about a word that nobody knows: with the one that is nearest, or
// with all that there are.
func meant(word string, known []string) string {
	if len(known) == 0 {
		return "there are none here"
	}
	if best := nearest(word, known); best != "" {
		return "did you mean " + best + "?"
	}
	known = slices.Clone(known)
	slices.Sort(known)
	return "known are " + strings.Join(known, ", ")
}

// nearest returns the known word that a slip of the pen makes of this one; empty if
// none is near.
func nearest(word string, known []string) string {
	word = plainWord(word)
	best, least := "", 1+max(1, len(word)/3)
	for _, k := range known {
		if d := distance(word, plainWord(k)); d < least {
			best, least = k, d
		}
	}
	return best
}

// plainWord is a word without what separates its parts: people write atLeast and
// at_least where at-least is meant.
func plainWord(word string) string {
	if len(word) > 64 {
		word = word[:64] // it is no slip of the pen
	}
	return strings.NewReplacer("-", "", "_", "", " ", "").Replace(strings.ToLower(word))
}

// distance is how many letters have to be changed, put in, taken out or exchanged with
// their neighbour (optimal string alignment).
func distance(a, b string) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before, last, row = last, row, before
		row[0] = i + 1
		for j := range len(b) {
			change := last[j]
			if a[i] != b[j] {
				change++
			}
			row[j+1] = min(change, last[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
	}
	return row[len(b)]
}
