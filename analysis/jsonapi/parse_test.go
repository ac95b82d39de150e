package jsonapi

import (
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/analysis"
)

// The examples of RFC 6901, section 5.
func TestPointer(t *testing.T) {
	t.Parallel()
	root, err := parse([]byte(`{"foo":["bar","baz"],"":0,"a/b":1,"c%d":2,"e^f":3,"g|h":4,"i\\j":5,"k\"l":6," ":7,"m~n":8,"~1":9,"null":null,"one":[1],"01":true}`))
	require.NoError(t, err)
	for text, want := range map[string]float64{
		"/": 0, "/a~1b": 1, "/c%d": 2, "/e^f": 3, "/g|h": 4, `/i\j`: 5, `/k"l`: 6, "/ ": 7, "/m~0n": 8, "/~01": 9, "/one/0": 1,
	} {
		p, err := newPointer(text)
		require.NoError(t, err, text)
		require.Equal(t, text, p.String())
		found, err := p.find(root, false)
		require.NoError(t, err, text)
		got, err := number(found, text, false)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
	whole, err := mustPointer("").find(root, false)
	require.NoError(t, err)
	require.Equal(t, root, whole)
	second, err := mustPointer("/foo/1").find(root, true)
	require.NoError(t, err)
	require.Equal(t, "baz", second)

	for text, want := range map[string]string{
		"/no": "nothing at /no", "/no/more": "nothing at /no", "/foo/2": "nothing at /foo/2", "/null": "null at /null",
		"/null/x": "null at /null", "/a~1b~1c": "nothing at /a~1b~1c", "/one/1": "nothing at /one/1",
	} {
		_, err := mustPointer(text).find(root, false)
		require.ErrorIs(t, err, analysis.ErrNoData, text)
		require.ErrorContains(t, err, want, text)
	}
	_, err = mustPointer("").find(nil, false)
	require.ErrorIs(t, err, analysis.ErrNoData)
	for text, want := range map[string]string{
		"/foo/0": "/foo/0 is one of 2 elements", "/foo/-": "has an index to be at", "/foo/00": "has an index to be at",
		"/foo/x": "has an index to be at", "/foo/-1": "has an index to be at", "/foo/99999999999": "has an index to be at", "/a~1b/x": "a number at /a~1b", "/01/x": "a boolean at /01",
	} {
		_, err := mustPointer(text).find(root, false)
		require.ErrorContains(t, err, want, text)
		require.NotErrorIs(t, err, analysis.ErrNoData, text)
	}
	for _, text := range []string{"foo", "#/foo", "$.foo", "/~", "/~2", "/a~", "/~~0"} {
		_, err := newPointer(text)
		require.Error(t, err, text)
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"": "unexpected EOF", " \n": "unexpected EOF", `{"a":`: "unexpected EOF", `[1,`: "unexpected EOF", `{"a":1`: "unexpected EOF",
		"<html>": "invalid character '<'", "1 2": "more after", `{} x`: "more after", `{"a":1,"a":2}`: `"a" is there twice`,
		`{"b":{"a":1,"\u0061":2}}`: `"a" is there twice`, "NaN": "invalid character", strings.Repeat("[", 5000): "nested more than 100 deep",
	} {
		_, err := parse([]byte(text))
		require.ErrorContains(t, err, want, text)
	}
}

func TestFigure(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		body    string
		figure  Figure
		strings bool
		want    float64
		err     string // part of the error, empty for none
		noData  bool
	}{
		"number":                {body: `{"a":-1.5e2}`, figure: Figure{Path: "/a"}, want: -150},
		"zero":                  {body: `{"a":0}`, figure: Figure{Path: "/a"}},
		"missing":               {body: `{"b":0}`, figure: Figure{Path: "/a"}, err: "nothing at /a", noData: true},
		"null":                  {body: `{"a":null}`, figure: Figure{Path: "/a"}, err: "null at /a", noData: true},
		"object":                {body: `{"a":{}}`, figure: Figure{Path: "/a"}, err: "an object at /a"},
		"boolean":               {body: `{"a":true}`, figure: Figure{Path: "/a"}, err: "a boolean at /a"},
		"string":                {body: `{"a":"1"}`, figure: Figure{Path: "/a"}, err: "a string at /a: set Strings"},
		"numeric string":        {body: `{"a":" 12.5 "}`, figure: Figure{Path: "/a"}, strings: true, want: 12.5},
		"other string":          {body: `{"a":"12ms"}`, figure: Figure{Path: "/a"}, strings: true, err: "a string at /a that is no number"},
		"hexadecimal string":    {body: `{"a":"0x10"}`, figure: Figure{Path: "/a"}, strings: true, err: "that is no number"},
		"empty string":          {body: `{"a":""}`, figure: Figure{Path: "/a"}, strings: true, err: "that is no number"},
		"NaN string":            {body: `{"a":"NaN"}`, figure: Figure{Path: "/a"}, strings: true, err: "NaN at /a", noData: true},
		"infinite string":       {body: `{"a":"-Inf"}`, figure: Figure{Path: "/a"}, strings: true, err: "-Inf at /a", noData: true},
		"overflow":              {body: `{"a":1e999}`, figure: Figure{Path: "/a"}, err: "+Inf at /a", noData: true},
		"array, no rule":        {body: `[1]`, figure: Figure{Path: ""}, err: "an array of 1 elements"},
		"empty array, no rule":  {body: `{"a":[]}`, figure: Figure{Path: "/a"}, err: "an array of 0 elements at /a"},
		"last":                  {body: `{"a":[1,2,3]}`, figure: Figure{Path: "/a", Take: Last}, want: 3},
		"first":                 {body: `{"a":[1,2,3]}`, figure: Figure{Path: "/a", Take: First}, want: 1},
		"sum":                   {body: `{"a":[1,2,3]}`, figure: Figure{Path: "/a", Take: Sum}, want: 6},
		"sum of none":           {body: `{"a":[]}`, figure: Figure{Path: "/a", Take: Sum}, err: "an empty array at /a", noData: true},
		"sum with null":         {body: `{"a":[1,null]}`, figure: Figure{Path: "/a", Take: Sum}, err: "/a/1", noData: true},
		"sum with a string":     {body: `{"a":[1,"2"]}`, figure: Figure{Path: "/a", Take: Sum}, err: "a string at /a/1"},
		"sum that overflows":    {body: `{"a":[1e308,1e308]}`, figure: Figure{Path: "/a", Take: Sum}, err: "+Inf at /a", noData: true},
		"last is null":          {body: `{"a":[1,null]}`, figure: Figure{Path: "/a", Take: Last}, err: "null", noData: true},
		"rule without an array": {body: `{"a":1}`, figure: Figure{Path: "/a", Take: Last}, err: "no array to take the last of"},
		"array of arrays":       {body: `{"a":[[1,2]]}`, figure: Figure{Path: "/a", Take: Last}, err: "an array at /a/0"},
		"points":                {body: `{"a":[[1,2],[3,4]]}`, figure: Figure{Path: "/a", Take: Sum, Item: "/1"}, want: 6},
		"points as objects":     {body: `{"a":[{"v":2},{"v":4}]}`, figure: Figure{Path: "/a", Take: Last, Item: "/v"}, want: 4},
		"a point without value": {body: `{"a":[{"v":2},{}]}`, figure: Figure{Path: "/a", Take: Sum, Item: "/v"}, err: "in the element at /a/1: analysis: no data: nothing at /v", noData: true},
		"the only series":       {body: `{"s":[{"v":[5]}]}`, figure: Figure{Path: "/s/0/v", Take: Last}, want: 5},
		"one of several series": {body: `{"s":[{"v":5},{"v":6}]}`, figure: Figure{Path: "/s/0/v"}, err: "/s/0 is one of 2 elements"},
		"picked":                {body: `{"s":[{"v":5},{"v":6}]}`, figure: Figure{Path: "/s/1/v", Pick: true}, want: 6},
		"no series":             {body: `{"s":[]}`, figure: Figure{Path: "/s/0/v"}, err: "nothing at /s/0", noData: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			root, err := parse([]byte(test.body))
			require.NoError(t, err)
			got, err := test.figure.number(root, test.strings)
			require.Equal(t, test.want, got)
			if test.err == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, test.err)
			if test.noData {
				require.ErrorIs(t, err, analysis.ErrNoData)
			} else {
				require.NotErrorIs(t, err, analysis.ErrNoData)
			}
		})
	}
}

func TestCounts(t *testing.T) {
	t.Parallel()
	figures := Figures{Events: Figure{Path: "/e"}, Total: Figure{Path: "/t"}}
	for body, want := range map[string]string{
		`{"e":3,"t":12}`: "", `{"e":0.0,"t":0}`: "", `{"e":1e1,"t":1.2e1}`: "",
		`{"e":-1,"t":12}`: "-1 at /e is no count", `{"e":1.5,"t":12}`: "1.5 at /e is no count", `{"e":1,"t":1e17}`: "1e+17 at /t is no count",
		`{"e":13,"t":12}`: "13 events at /e among a total of 12 at /t", `{"e":3}`: "nothing at /t", `{"t":3}`: "nothing at /e",
	} {
		root, err := parse([]byte(body))
		require.NoError(t, err)
		s, err := figures.sample(root, false)
		if want == "" {
			require.NoError(t, err, body)
			require.Equal(t, analysis.CountKind, s.Kind, body)
			continue
		}
		require.ErrorContains(t, err, want, body)
		require.Zero(t, s, body)
	}
}

func FuzzFigure(f *testing.F) {
	f.Add([]byte(`{"a":[[1,2],[3,"4"]]}`), "/a", "/1", byte(3), true)
	f.Add([]byte(`{"a/b":{"~":5}}`), "/a~1b/~0", "", byte(0), false)
	f.Add([]byte(`[1,null,`), "", "", byte(2), false)
	f.Add([]byte(`{"a":1,"a":2}`), "/a", "", byte(1), false)
	f.Fuzz(func(t *testing.T, body []byte, path, item string, take byte, stringsToo bool) {
		p, err := newPointer(path)
		if err != nil {
			return
		}
		if p.String() != path {
			t.Fatalf("%q became %q", path, p.String())
		}
		if _, err := newPointer(item); err != nil {
			return
		}
		root, err := parse(body)
		if err != nil {
			return
		}
		figure := Figure{Path: path, Item: item, Take: Take(take % 4), Pick: take > 100}
		v, err := figure.number(root, stringsToo)
		if math.IsNaN(v) || math.IsInf(v, 0) || err != nil && v != 0 {
			t.Fatal(v, err)
		}
		s, err := Figures{Events: figure, Total: Figure{Path: path, Take: figure.Take, Item: item}}.sample(root, stringsToo)
		if err == nil && (s.Kind != analysis.CountKind || s.Events > s.Total) || err != nil && s.Kind != analysis.NoData {
			t.Fatal(s, err)
		}
	})
}
