package analysis_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/analysis"
)

// go test ./analysis -run Stories -update
var update = flag.Bool("update", false, "write what was said into testdata/stories")

// TestStories replays testdata/stories/*.txt. A story is a gate, what it is
// shown, and what it says, on the lines that begin with "=":
//
//	check errors notworse detect=2     checks of the gate, until anything else
//	bake atleast=1m atmost=10m samples=100
//	enter 2 @5m                        wave 2 begins
//	deployed @5m30s                    its last step is done
//	see errors @6m 12/236 93/9304 x5   five observations, 10 s apart
//	see errors,slow 12/236 93/9304     the same by two checks
//	see sales 0.7                      a value, 10 s after the last line
//	see sales error timeout            an observation that failed
//	see sales none                     one without data
//	see errors 9/500 95/9500 a=8/100:19/1900 b=1/400:76/7600      with slices
//	see slow 90,95/100 900,990/1000    histograms, with the boundaries 0.1 and 0.5
//	decide @10m
//
// A check may be shadow, critical, slow=1h, weight=2, nodata=abstain; the gate, with
// "gate", score=75, burning=fix or burning=10m (disarmed until then). "last" says that
// there is no wave after this one, "burns errors" that a check fails already, and
// "window errors 60 5/500 95/9500 4/500 96/9500" is an A/A window of 60 observations,
// which alternate.
func TestStories(t *testing.T) {
	files, err := filepath.Glob("testdata/stories/*.txt")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			data, err := os.ReadFile(file)
			require.NoError(t, err)
			told := (&story{t: t}).tell(string(data))
			if *update {
				require.NoError(t, os.WriteFile(file, []byte(told), 0o644))
			}
			require.Equal(t, string(data), told)
		})
	}
}

// start is when every test begins.
var start = time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)

type story struct {
	t    *testing.T
	gate analysis.Gate
	eval *analysis.Evaluation
	now  time.Duration
}

func (s *story) tell(text string) string {
	var out strings.Builder
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		if strings.HasPrefix(line, "=") {
			continue
		}
		fmt.Fprintln(&out, line)
		if words := strings.Fields(line); len(words) > 0 && !strings.HasPrefix(line, "#") {
			if said := s.act(words[0], words[1:]); said != "" {
				fmt.Fprintln(&out, "= "+said)
			}
		}
	}
	return out.String()
}

func (s *story) act(verb string, args []string) (said string) {
	if verb != "check" && verb != "bake" && verb != "gate" && s.eval == nil {
		s.eval = s.gate.Begin()
	}
	if s.eval != nil {
		s.now += 10 * time.Second
	}
	rest := args[:0]
	for _, a := range args {
		if at, ok := strings.CutPrefix(a, "@"); ok {
			s.now = s.duration(at)
		} else {
			rest = append(rest, a)
		}
	}
	switch verb {
	case "check":
		s.gate.Checks = append(s.gate.Checks, s.check(rest))
	case "gate":
		for _, a := range rest {
			switch key, value, _ := strings.Cut(a, "="); {
			case key == "score":
				s.gate.PassScore = s.number(value)
			case value == "fix":
				s.gate.IfBurning = analysis.FixForward("this release mends it")
			default:
				s.gate.IfBurning = analysis.Disarm("a known leak", start.Add(s.duration(value)))
			}
		}
	case "last":
		s.eval.LastWave()
	case "burns":
		s.eval.Burns(s.index(rest[0]))
	case "window":
		var window []analysis.Observation
		for i := range int(s.number(rest[1])) {
			arms := rest[2+2*(i%(len(rest)/2-1)):]
			window = append(window, analysis.Observation{
				At: start.Add(time.Duration(i-1000) * 10 * time.Second), Canary: s.sample(arms[0]), Baseline: s.sample(arms[1]),
			})
		}
		s.eval.Calibrate(s.index(rest[0]), analysis.Calibrate(window))
	case "bake":
		for _, a := range rest {
			key, value, _ := strings.Cut(a, "=")
			switch key {
			case "atleast":
				s.gate.Bake.AtLeast = s.duration(value)
			case "atmost":
				s.gate.Bake.AtMost = s.duration(value)
			case "samples":
				s.gate.Bake.Samples = uint64(s.number(value))
			}
		}
	case "enter":
		s.eval.Enter(int(s.number(rest[0])), s.clock())
	case "deployed":
		s.eval.Deployed(s.clock())
	case "see":
		v := s.see(rest[0], rest[1:])
		return words(v.Outcome, v.Blameless) + v.Reason
	case "decide":
		d := s.eval.Decide(s.clock())
		return words(d.Outcome, d.Blameless) + d.Reason
	default:
		s.t.Fatalf("unknown verb %q", verb)
	}
	return ""
}

func words(o analysis.Outcome, blameless bool) string {
	if blameless {
		return o.String() + ", blameless: "
	}
	return o.String() + ": "
}

func (s *story) check(words []string) analysis.Check {
	c := analysis.Check{Name: words[0]}
	rest := words[:2:2]
	for _, a := range words[2:] {
		switch key, value, _ := strings.Cut(a, "="); key {
		case "shadow":
			c.Shadow = true
		case "critical":
			c.Critical = true
		case "weight":
			c.Weight = s.number(value)
		case "slow":
			c.Slow = s.duration(value)
		case "nodata":
			require.NoError(s.t, c.NoData.UnmarshalText([]byte(value)))
		default:
			rest = append(rest, a)
		}
	}
	c.Judge = s.judge(rest[1], rest[2:])
	return c
}

func (s *story) index(name string) int {
	i := slices.IndexFunc(s.gate.Checks, func(c analysis.Check) bool { return c.Name == name })
	require.GreaterOrEqual(s.t, i, 0, "no check %q", name)
	return i
}

func (s *story) see(names string, what []string) (v analysis.Verdict) {
	var checks []int
	for name := range strings.SplitSeq(names, ",") {
		checks = append(checks, s.index(name))
	}
	times := 1
	if last := what[len(what)-1]; last[0] == 'x' {
		times = int(s.number(last[1:]))
		what = what[:len(what)-1]
	}
	for i := range times {
		if i > 0 {
			s.now += 10 * time.Second
		}
		o := analysis.Observation{At: s.clock()}
		if what[0] == "error" {
			o.Err = strings.Join(what[1:], " ")
		} else {
			o.Canary = s.sample(what[0])
			for _, word := range what[1:] {
				if name, arms, ok := strings.Cut(word, "="); ok {
					canary, baseline, _ := strings.Cut(arms, ":")
					o.Slices = append(o.Slices, analysis.Slice{Name: name, Canary: s.sample(canary), Baseline: s.sample(baseline)})
				} else {
					o.Baseline = s.sample(word)
				}
			}
		}
		for _, check := range checks {
			v = s.eval.Observe(check, o)
		}
	}
	return v
}

func (s *story) sample(word string) analysis.Sample {
	if word == "none" {
		return analysis.Sample{}
	}
	if events, total, ok := strings.Cut(word, "/"); ok {
		if fast, medium, ok := strings.Cut(events, ","); ok {
			return analysis.Buckets([]float64{0.1, 0.5}, []uint64{uint64(s.number(fast)), uint64(s.number(medium))}, uint64(s.number(total)))
		}
		return analysis.Counts(uint64(s.number(events)), uint64(s.number(total)))
	}
	return analysis.Gauge(s.number(word))
}

func (s *story) judge(name string, settings []string) analysis.Judge {
	set := map[string]float64{}
	var limits []float64
	consecutive := false
	for _, a := range settings {
		if key, value, ok := strings.Cut(a, "="); ok {
			set[key] = s.number(value)
		} else if a == "consecutive" {
			consecutive = true
		} else if a != "shadow" {
			limits = append(limits, s.number(a))
		}
	}
	var th analysis.Threshold
	switch name {
	case "slices", "eachslice":
		return analysis.PerSlice{Judge: analysis.NotWorse{}, Each: name == "eachslice"}
	case "ratio":
		return analysis.SampleRatio{Share: set["share"]}
	case "errors+ratio":
		return analysis.AllOf{analysis.NotWorse{}, analysis.SampleRatio{Share: set["share"]}}
	case "lower":
		return analysis.NotWorse{LowerIsWorse: true, Detect: set["detect"]}
	case "notworse":
		return analysis.NotWorse{Detect: set["detect"], Tolerate: set["tolerate"], Negligible: set["negligible"], Horizon: int(set["horizon"])}
	case "above":
		th = analysis.Above(limits[0])
	case "below":
		th = analysis.Below(limits[0])
	case "within":
		th = analysis.Within(limits[0], limits[1])
	default:
		s.t.Fatalf("unknown judge %q", name)
	}
	th.Failures, th.Consecutive, th.MinSamples = int(set["failures"]), consecutive, uint64(set["minsamples"])
	th.Errors, th.Inconclusive = int(set["errors"]), int(set["inconclusive"])
	return th
}

func (s *story) clock() time.Time { return start.Add(s.now) }

func (s *story) number(word string) float64 {
	v, err := strconv.ParseFloat(word, 64)
	require.NoError(s.t, err)
	return v
}

func (s *story) duration(word string) time.Duration {
	d, err := time.ParseDuration(word)
	require.NoError(s.t, err)
	return d
}
