package main

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const fine = `{"canary":{"value":1}}` + "\n"

// Input that is wrong is refused, with where and what.
func TestBadInput(t *testing.T) {
	for _, tc := range []struct{ judge, input, want string }{
		{"below", "", "stdin has no observation: nothing was judged, and nothing passes on that"},
		{"below", "\n \r\n\n", "stdin has no observation: nothing was judged, and nothing passes on that"},
		{"below", fine + "{", "stdin:2: not JSON: it ends too soon"},
		{"below", "\n\n" + `{"canary":{"value":1}} {}`, "stdin:3: something is behind the end of the object"},
		{"below", `[1]`, "stdin:1: is [1]: want an object"},
		{"below", `null`, "stdin:1: is null: want an object"},
		{"below", "{\"trial\":\"\xff\"}", "stdin:1: not UTF-8"},
		{"below", `{"canary":{"value":NaN}}`, "stdin:1: not JSON: invalid character 'N' looking for beginning of value"},
		{"below", `{"canary":{"value":Infinity}}`, "stdin:1: not JSON: invalid character 'I' looking for beginning of value"},
		{"below", `{"canary":{"value":"NaN"}}`, `stdin:1: canary.value is "NaN": want a finite number`},
		{"below", `{"canary":{"value":null}}`, "stdin:1: canary.value is null: want a finite number"},
		{"below", `{"canary":{"value":-1e999}}`, "stdin:1: canary.value is -1e999: want a finite number"},
		{"below", fine + `{"canray":{"value":1}}`, `stdin:2: unknown field "canray": want time, trial, canary, baseline, slices, before, error, metrics or config`},
		{"below", `{"Canary":{"value":1}}`, `stdin:1: unknown field "Canary": want time, trial, canary, baseline, slices, before, error, metrics or config`},
		{"below", `{"canary":{"value":1,"unit":"s"}}`, `stdin:1: unknown field "canary.unit": want events and total, value, buckets, or values`},
		{"below", `{"canary":{"value":1},"canary":{"value":2}}`, "stdin:1: canary is there twice"},
		{"below", `{"canary":{"value":1,"value":2}}`, "stdin:1: canary.value is there twice"},
		{"below", `{"canary":1}`, "stdin:1: canary is 1: want an object"},
		{"below", `{"canary":{"value":1,"events":2}}`, `stdin:1: canary is {"value":1,"events":2}: want {"events":n,"total":n}, {"value":x}, {"buckets":{"0.1":n,…}} or {"values":[…]}`},
		{"below", `{"canary":{"events":2}}`, `stdin:1: canary is {"events":2}: want {"events":n,"total":n}, {"value":x}, {"buckets":{"0.1":n,…}} or {"values":[…]}`},
		{"below", `{"canary":{"buckets":{"0.1":4}}}`, `stdin:1: canary is a histogram, which --judge below cannot judge`},
		{"below", `{"canary":{"values":[1]}}`, "stdin:1: canary is values, which --judge below cannot judge"},
		{"below", `{"canary":{"value":1},"config":{}}`, "stdin:1: config is for --judge kayenta only"},
		{"below", `{"time":5}`, `stdin:1: time is 5: want an RFC 3339 time, such as "2026-01-02T15:04:05Z"`},
		{"below", `{"time":"2026-01-02 15:04:05"}`, `stdin:1: time is "2026-01-02 15:04:05": want an RFC 3339 time, such as "2026-01-02T15:04:05Z"`},
		{"below", `{"trial":7}`, "stdin:1: trial is 7: want text"},
		{"below", `{"trial":"` + strings.Repeat("x", 100) + `\u001b","canary":7}`, "stdin:1: canary is 7: want an object"},
		{"below", `{"` + strings.Repeat("x", 100) + `":7}`, `stdin:1: unknown field "` + strings.Repeat("x", 60) + `…": want time, trial, canary, baseline, slices, before, error, metrics or config`},
		{
			"below", `{"time":"2026-01-02T15:04:05Z","trial":"a"}` + "\n" + `{"time":"2026-01-02T15:04:04Z"}` + "\n" + `{"time":"2026-01-02T15:04:05+01:00","trial":"a"}`,
			`stdin:3: time goes backwards in trial "a", from 2026-01-02T15:04:05Z to 2026-01-02T15:04:05+01:00`,
		},
		{
			"below", `{"time":"2026-01-02T15:04:05.5Z"}` + "\n" + `{}` + "\n" + `{"time":"2026-01-02T15:04:05Z"}`,
			"stdin:3: time goes backwards, from 2026-01-02T15:04:05.5Z to 2026-01-02T15:04:05Z",
		},
		{"notworse", `{"canary":{"values":[1]}}`, "stdin:1: canary is values, which --judge notworse cannot judge"},
		{"notworse", `{"canary":{"buckets":3}}`, "stdin:1: canary.buckets is 3: want an object"},
		{"notworse", `{"canary":{"buckets":{}}}`, "stdin:1: canary.buckets: the sample has 0 boundaries and 0 buckets"},
		{"notworse", `{"canary":{"buckets":{"1":2,"1":3}}}`, "stdin:1: canary.buckets.1 is there twice"},
		{"notworse", `{"canary":{"buckets":{"1":2.5}}}`, "stdin:1: canary.buckets.1 is 2.5: want a whole number, 0 or more"},
		{"notworse", `{"canary":{"buckets":{"much":2}}}`, `stdin:1: canary.buckets: the sample has the bucket "much": want a number, or "+Inf"`},
		{"notworse", `{"canary":{"buckets":{"1":2,"5":1}}}`, "stdin:1: canary.buckets: the sample has 2 up to 1, among a total of 1"},
		{"notworse", `{"canary":{"buckets":{"1":2,"5":1,"+Inf":9}}}`, "stdin:1: canary.buckets: the sample has 2 up to 1, but 1 up to 5: buckets are cumulative"},
		{"notworse", `{"canary":{"buckets":{"1":2},"total":3}}`, `stdin:1: canary is {"buckets":{"1":2},"total":3}: want {"events":n,"total":n}, {"value":x}, {"buckets":{"0.1":n,…}} or {"values":[…]}`},
		{"notworse", `{"slices":{}}`, `stdin:1: slices is {}: want an array of {"name":…,"canary":{…},"baseline":{…}}`},
		{"notworse", `{"slices":[{"canary":{}}]}`, "stdin:1: slices[0] has no name"},
		{"notworse", `{"slices":[{"name":"a"},{"name":"a"}]}`, `stdin:1: slices[1] is the second with the name "a"`},
		{"notworse", `{"slices":[{"name":7}]}`, "stdin:1: slices[0].name is 7: want text"},
		{"notworse", `{"slices":[7]}`, "stdin:1: slices[0] is 7: want an object"},
		{"notworse", `{"slices":[{"name":"a","zone":"b"}]}`, `stdin:1: unknown field "slices[0].zone": want name, canary or baseline`},
		{"notworse", `{"slices":[{"name":"a","canary":{"events":3,"total":2}}]}`, "stdin:1: slices[0].canary has 3 events among a total of 2"},
		{"notworse", `{"slices":[{"name":"a","canary":{"values":[3]}}]}`, `stdin:1: canary of the slice "a" is values, which --judge notworse cannot judge`},
		{"notworse", `{"before":1}`, "stdin:1: before is 1: want true or false"},
		{"notworse", `{"before":true}` + "\n" + `{"before":true,"trial":"b"}` + "\n{}\n" + `{"before":true,"trial":"b"}` + "\n" + `{"before":true}`, "stdin:5: before is true after a line where it is not: the lines from before the rollout come first"},
		{"notworse", `{"trial":"b"}` + "\n" + `{"before":true,"trial":"b"}`, `stdin:2: before is true in trial "b" after a line where it is not: the lines from before the rollout come first`},
		{"notworse", `{"metrics":{}}`, "stdin:1: metrics are for --judge kayenta with a canary config only"},
		{"below", `{"before":false}`, "stdin:1: before is for --judge notworse only"},
		{"kayenta", `{"slices":[]}`, "stdin:1: slices are for --judge notworse, above, below and within"},
		{"kayenta", `{"metrics":{}}`, "stdin:1: metrics are for --judge kayenta with a canary config only"},
		{"mannwhitney", `{"slices":[]}`, "stdin:1: slices are for --judge notworse, above, below and within"},
		{"notworse", `{"baseline":{"values":[]}}`, "stdin:1: baseline is values, which --judge notworse cannot judge"},
		{"notworse", `{"canary":{"events":3,"total":2}}`, "stdin:1: canary has 3 events among a total of 2"},
		{"notworse", `{"canary":{"events":-3,"total":2}}`, "stdin:1: canary.events is -3: want a whole number, 0 or more"},
		{"notworse", `{"canary":{"events":0,"total":2.5}}`, "stdin:1: canary.total is 2.5: want a whole number, 0 or more"},
		{"notworse", `{"canary":{"events":0,"total":1e999}}`, "stdin:1: canary.total is 1e999: want a whole number, 0 or more"},
		{"kayenta", `{"canary":{"values":[1]}}`, `stdin:1: baseline is nothing: --judge kayenta wants {"values":[…]}`},
		{"kayenta", `{"canary":{"value":1},"baseline":{"values":[1]}}`, `stdin:1: canary is a value: --judge kayenta wants {"values":[…]}`},
		{"kayenta", `{"canary":{"values":1}}`, "stdin:1: canary.values is 1: want an array of numbers, with null for NaN"},
		{"kayenta", `{"canary":{"values":[1, null , "2"]}}`, `stdin:1: canary.values[2] is "2": want a finite number, or null for NaN`},
		{"kayenta", `{"canary":{"values":[1,[2,3]]}}`, "stdin:1: canary.values[1] is [2: want a finite number, or null for NaN"},
		{"kayenta", `{"canary":{"values":[1,1e999]}}`, "stdin:1: canary.values[1] is 1e999: want a finite number, or null for NaN"},
		{"kayenta", `{"config":{"direction":"up"}}`, `stdin:1: config.direction is "up": want either, increase or decrease`},
		{"kayenta", `{"config":{"nanStrategy":1}}`, "stdin:1: config.nanStrategy is 1: want remove or replace"},
		{"kayenta", `{"config":{"outlierStrategy":"drop"}}`, `stdin:1: config.outlierStrategy is "drop": want keep or remove`},
		{"kayenta", `{"config":{"effectSizeMeasure":"cohenD"}}`, `stdin:1: config.effectSizeMeasure is "cohenD": want meanRatio or cles`},
		{"kayenta", `{"config":{"outlierFactor":0}}`, "stdin:1: config.outlierFactor is 0: want more than 0"},
		{"kayenta", `{"config":{"tolerance":0}}`, "stdin:1: config.tolerance is 0: want more than 0"},
		{"kayenta", `{"config":{"confLevel":98}}`, "stdin:1: config.confLevel is 98: want a probability between 0 and 1, such as 0.98"},
		{"kayenta", `{"config":{"critical":"yes"}}`, `stdin:1: config.critical is "yes": want true or false`},
		{"kayenta", `{"config":{"allowedIncrease":null}}`, "stdin:1: config.allowedIncrease is null: want a finite number"},
		{"kayenta", `{"config":{"muted":true}}`, `stdin:1: unknown field "config.muted": want ` + configFields},
		{"kayenta", `{"config":[]}`, "stdin:1: config is []: want an object"},
		{"mannwhitney", `{"canary":{"values":[1]},"baseline":{"values":[1,null]}}`, "stdin:1: baseline.values[1] is null: NaN has no rank, leave it out (or use --judge kayenta)"},
		{"mannwhitney", `{"canary":{"values":[1]},"baseline":{"events":1,"total":1}}`, `stdin:1: baseline is counts: --judge mannwhitney wants {"values":[…]}`},
		{"mannwhitney", `{"config":{}}`, "stdin:1: config is for --judge kayenta only"},
	} {
		t.Run(tc.judge+" "+shown(tc.input), func(t *testing.T) {
			args := []string{"analyze", "--judge", tc.judge, "-"}
			if tc.judge == "below" {
				args = append(args, "--limit", "5")
			}
			code, _, stderr := runs(tc.input, args...)
			require.Equal(t, "tidegate: "+tc.want+"\n", stderr)
			require.Equal(t, exitBadInput, code)
		})
	}
}

// Flags that are wrong are refused, before anything is judged.
func TestBadFlags(t *testing.T) {
	const see = "\nSee tidegate analyze --help."
	config := func(text string) string {
		path := filepath.Join(t.TempDir(), "config.json")
		require.NoError(t, os.WriteFile(path, []byte(text), 0o666))
		return path
	}
	broken, unknown := config("{"), config(`{"metric":"m"}`)
	empty, twoWrong := config(`{"metrics":[]}`), config(`{"metrics":[{},7]}`)
	for _, tc := range []struct{ args, want string }{
		{"", `expected one of "each", "exec", "kill", "reset", "unwind", ...` + "\nSee tidegate --help."},
		{"analyze -", "missing flags: --judge=NAME" + see},
		{"analyze --judge below --limit 1", "want a FILE (- is stdin), or --from-prometheus"},
		{"analyze --judge best -", `--judge must be one of "notworse","above","below","within","kayenta","mannwhitney" but got "best"` + see},
		{"analyze --judge below -", "--judge below needs --limit"},
		{"analyze --judge within --min 1 -", "--judge within needs --min and --max"},
		{"analyze --judge within --min 2 --max 1 -", "--min is 2, above Max, 1: nothing could pass"},
		{"analyze --judge above --limit NaN -", "--limit is NaN: want a finite limit"},
		{"analyze --judge above --limit 1 --failures=-1 -", "--failures is negative (-1)"},
		{"analyze --judge above --limit 1 --min-samples 0 -", "--min-samples is 0: want more"},
		{"analyze --judge notworse --limit 1 -", "--limit is not for --judge notworse, which has --detect, --tolerate, --negligible, --alpha, --beta, --horizon, --lower-is-worse, --per-slice"},
		{"analyze --judge notworse --alpha 0 -", "--alpha is 0: want more"},
		{"analyze --judge notworse --alpha 0.7 --beta 2 -", "--alpha is 0.7: want a probability between 0 and 0.5; --beta is 2: want a probability between 0 and 0.5"},
		{"analyze --judge notworse --detect 1 -", "--detect is 1: want an odds ratio of more than what is tolerated, 1.1, and at most 1000"},
		{"analyze --judge mannwhitney --alpha 1 -", "--alpha is 1: want a probability between 0 and 1"},
		{"analyze --judge mannwhitney --alternative more -", `--alternative is "more": want two-sided, greater or less`},
		{"analyze --judge kayenta --config - -", "--config cannot be read from stdin: want a file"},
		{"analyze --judge kayenta --config nowhere.json -", "cannot read --config: open nowhere.json: no such file or directory"},
		{"analyze --judge kayenta --config " + broken + " -", broken + ": not JSON: it ends too soon"},
		{"analyze --judge kayenta --config " + unknown + " -", unknown + `: unknown field "metric": want ` + configFields},
		{"analyze --judge kayenta --config " + empty + " -", empty + ": canary config: metrics is empty: there would be nothing to judge by"},
		{"analyze --judge kayenta --config " + twoWrong + " -", twoWrong + ": canary config: metrics[0].name is missing; canary config: metrics[1] is a number: want an object"},
		{"analyze --judge kayenta --pass 90 -", "--pass and --marginal are for a --config with metrics, which is scored"},
		{"analyze --judge kayenta --marginal 90 --config testdata/kayentaconfig.json -", "--pass and --marginal are for a --config with metrics, which is scored"},
		{"analyze --judge kayenta --marginal 90 --pass 80 --config ../../analysis/kayenta/testdata/checkout.json -", "--marginal is 90, above --pass, 80"},
		{"analyze --judge kayenta --pass 101 --config ../../analysis/kayenta/testdata/checkout.json -", "--pass is 101: want a score from 0 to 100"},
		{"analyze --judge notworse --pass 90 -", "--pass is not for --judge notworse, which has --detect, --tolerate, --negligible, --alpha, --beta, --horizon, --lower-is-worse, --per-slice"},
		{"analyze --judge below --limit 1 nowhere.jsonl", "cannot read the input: open nowhere.jsonl: no such file or directory"},
		{"analyze --judge below --limit 1 testdata", "testdata:1: cannot read the input: read testdata: is a directory"},
	} {
		t.Run(tc.args, func(t *testing.T) {
			code, stdout, stderr := runs(fine, strings.Fields(tc.args)...)
			require.Equal(t, "tidegate: "+tc.want+"\n", stderr)
			require.Equal(t, exitBadInput, code)
			require.Empty(t, stdout)
		})
	}
}

// What was judged before bad input is still written.
func TestAnswersComeAsTheyAreKnown(t *testing.T) {
	code, stdout, stderr := runs(fine+"?", "analyze", "--judge", "below", "--limit", "5", "-")
	require.Equal(t, exitBadInput, code)
	require.Equal(t, `{"observation":1,"outcome":"pass","reason":"1 is at most 5","canary":{"rate":1}}`+"\n", stdout)
	require.Equal(t, "tidegate: stdin:2: not JSON: invalid character '?' looking for beginning of value\n", stderr)
}

// full is a disk that is.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left") }

// angry is a reader with a bug.
type angry struct{}

func (angry) Read([]byte) (int, error) { panic("bug") }

func TestInternalErrors(t *testing.T) {
	args := []string{"analyze", "--judge", "below", "--limit", "5", "-"}
	var stderr strings.Builder
	require.Equal(t, exitInternal, run(args, strings.NewReader(fine), full{}, &stderr))
	require.Equal(t, "tidegate: stdin:1: no space left\n", stderr.String())

	stderr.Reset()
	require.Equal(t, exitInternal, run(args, angry{}, io.Discard, &stderr))
	require.Equal(t, "tidegate: internal error: bug\n", stderr.String())
}

// The worst trial decides, wherever it stands.
func TestExitIsTheWorst(t *testing.T) {
	pass, fail, undecided := `{"trial":"p","canary":{"value":1}}`, `{"trial":"f","canary":{"value":9}}`, `{"trial":"u"}`
	for _, tc := range []struct {
		lines []string
		want  int
	}{
		{[]string{pass}, exitPass},
		{[]string{undecided}, exitInconclusive},
		{[]string{pass, undecided, pass}, exitInconclusive},
		{[]string{undecided, pass}, exitInconclusive},
		{[]string{fail, pass, undecided}, exitFail},
		{[]string{undecided, fail}, exitFail},
		{[]string{fail, `{"trial":"f","canary":{"value":1}}`}, exitFail}, // latched
		{[]string{pass, `{"trial":"p","error":"timeout"}`}, exitInconclusive},
		{[]string{undecided, `{"trial":"u","canary":{"value":1}}`}, exitPass},
	} {
		code, _, stderr := runs(strings.Join(tc.lines, "\n"), "analyze", "--judge", "below", "--limit", "5", "-")
		require.Equal(t, tc.want, code, "%v %s", tc.lines, stderr)
	}
}
