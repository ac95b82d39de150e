package cloudflarefeature

import (
	"time"

	"github.com/tidegate-go/tidegate/examples/incidents/replay"
	"github.com/tidegate-go/tidegate/guardrails"
	"github.com/tidegate-go/tidegate/rollout"
	"github.com/tidegate-go/tidegate/rollout/simulate"
)

// Incident is 18 November 2025.
func Incident() replay.Incident {
	return replay.Incident{
		Name: "cloudflarefeature", Title: "Cloudflare, a feature file", When: "18 Nov 2025",
		Source:    "https://blog.cloudflare.com/18-november-2025-outage/",
		Fault:     "A generated file doubled, and every proxy that read it crashed; good and bad files went out by turns, every five minutes.",
		Guardrail: "no file that has doubled, and after a bad one a human looks first",
		Without:   func() (replay.Outcome, error) { return asItWent().Tell() },
		With:      func() (replay.Outcome, error) { return guarded().run() },
	}
}

const (
	// every is the time between two files.
	every = 5 * time.Minute
	// limit is how many features a proxy can take.
	limit = 200
	// stopped is when the generator was, since the first bad file: 11:20 to 14:24.
	stopped = 3*time.Hour + 4*time.Minute
)

// file is one generation of the file.
type file struct {
	version string
	guardrails.Artifact
}

// crashes tells whether a proxy does that reads it.
func (f file) crashes() bool { return f.Entries > limit }

// good and bad are what the query makes, depending on the node that it asks. Some 60
// features were in use; the bad file had doubled in size, and had more than 200. How
// many bytes that is, is made up.
func good(version string) file {
	return file{version, guardrails.Artifact{Bytes: 12_000, Entries: 60}}
}

func bad(version string) file {
	return file{version, guardrails.Artifact{Bytes: 24_000, Entries: limit + 1}}
}

// push is the rollout of a file, from the last one that was good, to a network that is
// made up: a hundred places of the same size.
func push(from, to file) rollout.Plan {
	return rollout.Plan{
		Name:    "features-" + to.version,
		Release: rollout.Release{Service: "bot-features", From: from.version, To: to.version},
		Targets: replay.Fleet("edge", 100),
	}
}

// asItWent is every file everywhere at once, the first bad one at 11:20, and good and
// bad by turns from then on: the generator does that, and asks nobody.
func asItWent() replay.Telling {
	was, is := good("features-1115"), bad("features-1120")
	t := replay.Telling{
		Plan: replay.AtOnce(push(was, is), "the file is data, and goes to every machine within seconds"),
		Of:   "of the edge", Things: "places",
		Ill: func(_, version string) bool { return version == is.version && is.crashes() },
	}
	next := was
	for at := every; at < stopped; at += every {
		for _, place := range t.Plan.Targets {
			t.World.Happenings = append(t.World.Happenings, simulate.Happening{At: at, Target: place.Name, Version: next.version})
		}
		if next == was {
			next = is
		} else {
			next = was
		}
	}
	t.World.Happenings = append(t.World.Happenings, replay.Human(stopped, "the engineers", "the generator is stopped, and a good file put in"))
	t.Notes = []replay.Note{
		{At: every, Text: "a good file: the network comes back"},
		{At: 2 * every, Text: "a bad one: it is down again, and so on every five minutes; is it an attack?"},
	}
	return t
}
