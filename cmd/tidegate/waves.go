package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/tidegate-go/tidegate/rollout"
)

// defaultWaves is how a fleet is split unless --waves says otherwise.
const defaultWaves = "1,10%,50%,100%"

// waves are those of --waves: how much of the fleet has the change after each, as a
// number of targets or a percentage.
type waves struct {
	ends    []waveEnd
	ungated string
}

type waveEnd struct {
	text    string
	targets int // if percent is 0
	percent float64
}

// parseWaves reads what --waves says, such as 1,10%,50%,100%.
func parseWaves(text string) (waves, error) {
	var w waves
	for _, part := range strings.Split(text, ",") {
		end := waveEnd{text: strings.TrimSpace(part)}
		var err error
		if number, ok := strings.CutSuffix(end.text, "%"); ok {
			end.percent, err = strconv.ParseFloat(number, 64)
			if err == nil && !(end.percent > 0 && end.percent <= 100) {
				err = strconv.ErrRange
			}
		} else if end.targets, err = strconv.Atoi(end.text); err == nil && end.targets < 1 {
			err = strconv.ErrRange
		}
		if err != nil {
			return waves{}, badf("--waves: %q is no wave: want a number of targets, or a percentage, as in %s", end.text, defaultWaves)
		}
		w.ends = append(w.ends, end)
	}
	if last := w.ends[len(w.ends)-1]; last.percent != 100 {
		return waves{}, badf("--waves ends at %s, so that some targets would never be reached: end with 100%%", last.text)
	}
	for i := 1; i < len(w.ends); i++ {
		a, b := w.ends[i-1], w.ends[i]
		if (a.percent > 0) == (b.percent > 0) && (b.percent <= a.percent && b.targets <= a.targets) {
			return waves{}, badf("--waves: %s comes after %s: each is how much has the change by then, so they have to rise", b.text, a.text)
		}
	}
	return w, nil
}

// Split implements rollout.Waves. A wave that would add no target is left out.
func (w waves) Split(fleet []rollout.Target) ([]rollout.Wave, error) {
	percents := make([]float64, 0, len(w.ends))
	for _, end := range w.ends {
		p := end.percent
		if p == 0 {
			p = 100 * float64(min(end.targets, len(fleet))) / float64(len(fleet))
		}
		if n := len(percents); n > 0 && p <= percents[n-1] {
			continue
		}
		percents = append(percents, p)
	}
	all, err := rollout.Percent(percents...).Split(fleet)
	if err != nil {
		return nil, fmt.Errorf("--waves: %w", err)
	}
	for i := range all {
		all[i].Ungated = w.ungated
	}
	return all, nil
}
