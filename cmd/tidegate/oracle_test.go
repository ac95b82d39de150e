package main

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// object is some JSON object.
type object = map[string]any

func readJSON(t *testing.T, path string, into any) {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, into))
}

// ask runs the program over one input with a trial for each case, and returns the
// answers in their order.
func ask(t *testing.T, judge string, inputs []object) (answers []object) {
	t.Helper()
	var in strings.Builder
	for i, o := range inputs {
		o["trial"] = fmt.Sprint("case ", i)
		line, err := json.Marshal(o)
		require.NoError(t, err)
		in.Write(append(line, '\n'))
	}
	code, stdout, stderr := runs(in.String(), "analyze", "--judge", judge, "-")
	require.Equal(t, exitFail, code, stderr)
	require.Empty(t, stderr)
	for line := range strings.Lines(stdout) {
		var o object
		require.NoError(t, json.Unmarshal([]byte(line), &o))
		require.Equal(t, fmt.Sprint("case ", len(answers)), o["trial"])
		require.EqualValues(t, 1, o["observation"])
		answers = append(answers, o)
	}
	require.Len(t, answers, len(inputs))
	return answers
}

// What comes out of Kayenta, comes out of this: its config is the case's input as
// it is written there.
func TestKayentaOracle(t *testing.T) {
	type oracleCase struct {
		Kind            string
		Input, Expected object
	}
	var o struct{ FromRunningKayenta, FromKayentaTests []oracleCase }
	readJSON(t, "../../analysis/kayenta/testdata/kayenta.json", &o)
	cases := o.FromRunningKayenta
	for _, c := range o.FromKayentaTests {
		if c.Kind == "classify-mann-whitney" {
			cases = append(cases, c)
		}
	}
	require.GreaterOrEqual(t, len(cases), 237+17)
	var inputs []object
	for _, c := range cases {
		in := object{"canary": object{"values": c.Input["experiment"]}, "baseline": object{"values": c.Input["control"]}, "config": c.Input}
		delete(c.Input, "experiment")
		delete(c.Input, "control")
		inputs = append(inputs, in)
	}
	near := func(want, got any, what string) {
		t.Helper()
		if want == "NaN" {
			require.Nil(t, got, what)
			return
		}
		require.InDelta(t, want, got, 1e-9*max(1, math.Abs(want.(float64))), what)
	}
	checked := map[string]int{}
	for i, got := range ask(t, "kayenta", inputs) {
		what := fmt.Sprintf("case %d: %v", i, got)
		want := cases[i].Expected
		for _, key := range []string{"classification", "critical"} {
			if v, ok := want[key]; ok {
				require.Equal(t, v, got[key], what)
				checked[key]++
			}
		}
		for _, key := range []string{"deviation", "ciLower", "ciUpper", "estimate"} {
			if v, ok := want[key]; ok && (key != "deviation" || want["classification"] != "Error") {
				near(v, got[key], key+" of "+what)
				checked[key]++
			}
		}
		for side, key := range map[string]string{"canary": "experimentStats", "baseline": "controlStats"} {
			stats, _ := want[key].(object)
			if len(stats) == 0 || stats["count"] == 0.0 {
				continue
			}
			mine := got[side].(object)
			require.Equal(t, stats["count"], mine["count"], what)
			near(stats["mean"], mine["mean"], what)
			near(stats["std"], mine["std"], what)
			checked[key]++
		}
		switch want["classification"] {
		case "High", "Low", "NodataFailMetric":
			require.Equal(t, "fail", got["outcome"], what)
		case "Pass":
			require.Contains(t, []string{"pass", "inconclusive"}, got["outcome"], what)
		default:
			require.NotEqual(t, "pass", got["outcome"], what)
		}
	}
	require.GreaterOrEqual(t, checked["classification"], 237)
	require.GreaterOrEqual(t, checked["deviation"], 200)
	require.GreaterOrEqual(t, checked["ciLower"], 200)
}

// What comes out of scipy, comes out of this.
func TestMannWhitneyOracle(t *testing.T) {
	var o struct {
		Cases []struct {
			X, Y    []float64
			U1      float64
			Results []struct {
				Method, Alternative string
				Continuity          bool
				P                   *float64
			}
		}
	}
	readJSON(t, "../../analysis/evidence/testdata/mannwhitney.json", &o)
	var inputs []object
	for _, c := range o.Cases {
		inputs = append(inputs, object{"canary": object{"values": c.X}, "baseline": object{"values": c.Y}})
	}
	checked := 0
	for i, got := range ask(t, "mannwhitney", inputs) {
		what := fmt.Sprintf("case %d: %v", i, got)
		require.Equal(t, o.Cases[i].U1, got["u1"], what)
		for _, r := range o.Cases[i].Results {
			method := r.Method
			switch {
			case method == "exact-permutation":
				method = "exact"
			case method == "asymptotic" && !r.Continuity:
				method = "asymptoticWithoutContinuity"
			}
			p, ok := got["p"].(object)[method].(object)[r.Alternative]
			require.True(t, ok, what)
			if r.P == nil {
				require.Nil(t, p, what)
			} else {
				require.InEpsilon(t, *r.P, p, 1e-10, what)
			}
			checked++
		}
	}
	require.GreaterOrEqual(t, checked, 648+147+63)
}
