package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the golden file anew")

// everything is told once for all tests.
var everything = sync.OnceValues(func() ([]told, error) {
	var all []told
	for _, incident := range incidents() {
		t, err := tell(incident)
		if err != nil {
			return nil, err
		}
		all = append(all, t)
	}
	return all, nil
})

func tellAll(t *testing.T) []told {
	t.Helper()
	all, err := everything()
	require.NoError(t, err)
	return all
}

func output(t *testing.T, args ...string) string {
	t.Helper()
	var out, help bytes.Buffer
	require.NoError(t, run(args, &out, &help), help.String())
	return out.String()
}

func TestTheTable(t *testing.T) {
	const golden = "testdata/table.golden"
	got := table(tellAll(t))
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(golden, []byte(got), 0o644))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err, "write it with: go test ./examples/incidents -update")
	assert.Equal(t, string(want), got, "if this is meant: go test ./examples/incidents -update")
}

// The README shows the table as it is.
func TestTheReadme(t *testing.T) {
	const begin, end = "-update -->\n```text\n", "```\n<!-- the end of the table -->"
	text, err := os.ReadFile("README.md")
	require.NoError(t, err)
	before, rest, found := strings.Cut(string(text), begin)
	require.True(t, found)
	shown, after, found := strings.Cut(rest, end)
	require.True(t, found)
	got := table(tellAll(t))
	if *update {
		require.NoError(t, os.WriteFile("README.md", []byte(before+begin+got+end+after), 0o644))
		return
	}
	assert.Equal(t, got, shown, "go test ./examples/incidents -update")
}

func TestTheTableIsTheSameEachTime(t *testing.T) {
	assert.Equal(t, table(tellAll(t)), output(t))
}

// A page that nobody can read convinces nobody.
func TestEverythingFitsIntoTheWidth(t *testing.T) {
	pages := []string{table(tellAll(t))}
	for _, one := range tellAll(t) {
		pages = append(pages, story(one))
	}
	for _, page := range pages {
		for line := range strings.Lines(page) {
			line = strings.TrimSuffix(line, "\n")
			assert.Equal(t, strings.TrimRight(line, " "), line, "blanks at the end")
			if !strings.Contains(line, "https://") {
				assert.LessOrEqual(t, len([]rune(line)), width, line)
			}
		}
	}
}

func TestTheGuardrailMakesTheDifference(t *testing.T) {
	for _, both := range tellAll(t) {
		incident := both.Incident
		t.Run(incident.Name, func(t *testing.T) {
			assert.Less(t, both.with.Exposed, both.without.Exposed)
			assert.False(t, both.without.Refused)
			for _, o := range []string{incident.Title, incident.When, incident.Source, incident.Fault, incident.Guardrail, both.with.Of, both.with.Ending, both.without.Ending} {
				assert.NotEmpty(t, o)
			}
			assert.Equal(t, strings.ToLower(incident.Guardrail[:1]), incident.Guardrail[:1], "a Guardrail is in lower case")
			assert.False(t, strings.HasSuffix(incident.Guardrail, "."), "a Guardrail has no full stop")
			assert.NotEmpty(t, both.with.Story)
			assert.NotEmpty(t, both.without.Story)
		})
	}
}

func TestOneIncidentIsTold(t *testing.T) {
	for _, args := range [][]string{{"crowdstrike"}, {"-o", "text", "crowdstrike"}, {"crowdstrike", "-o", "text"}} {
		got := output(t, args...)
		for _, want := range []string{"AS IT WENT", "WITH THE GUARDRAIL", "1:18:00", "heartbeats", "Source"} {
			assert.Contains(t, got, want)
		}
	}
}

func TestJSON(t *testing.T) {
	var all []incidentJSON
	var out bytes.Buffer
	require.NoError(t, writeJSON(&out, tellAll(t)))
	require.NoError(t, json.Unmarshal(out.Bytes(), &all))
	require.Len(t, all, len(incidents()))
	require.NoError(t, json.Unmarshal([]byte(output(t, "crowdstrike", "-o", "json")), &all))
	require.Len(t, all, 1)
	then, now := all[0].Without, all[0].With
	assert.Equal(t, 78*60.0, *then.DetectSeconds)
	assert.Nil(t, then.RecoverSeconds, "it did not recover by itself")
	assert.Less(t, now.ExposedPercent, 1.0)
}

func TestWhatMakesNoSenseIsAnError(t *testing.T) {
	for want, args := range map[string][]string{
		"want one of amazon, ":      {"titanic"},
		"-o xml: want text or json": {"-o", "xml"},
		"one incident at a time":    {"knight", "s3"},
	} {
		var out bytes.Buffer
		require.ErrorContains(t, run(args, &out, &out), want)
	}
	var out, help bytes.Buffer
	require.ErrorIs(t, run([]string{"-h"}, &out, &help), flag.ErrHelp)
	assert.Contains(t, help.String(), "knight")
}
