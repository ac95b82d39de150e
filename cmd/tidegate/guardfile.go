package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/tidegate-go/tidegate/guardrails"
)

// maxGuardFile is how long a guard file may be, in bytes.
const maxGuardFile = 1 << 20

// guardForm is one guard of a guard file: exactly one of its fields is set. Guards that
// need code of the user's, or a plan that is more than a command line, are for programs
// that import the library.
type guardForm struct {
	MaxExposure *guardrails.MaxExposure `json:"maxExposure"`
	Domains     *guardrails.Domains     `json:"domains"`
	DomainGap   *struct {
		Label string
		Gap   span
	} `json:"domainGap"`
	Calendar *struct {
		FrozenFile, OpenFile, Zone string
		MustFit                    bool
	} `json:"calendar"`
	KillSwitch *struct {
		Files, URLs, Env []string
		Mode             guardrails.Consequence
		FailOpen         string
	} `json:"killSwitch"`
	Fence      *struct{ MaxAge span }          `json:"fence"`
	NoIncident *struct{ URLs, Files []string } `json:"noIncident"`
	DeadMan    *struct {
		Within    span
		File, URL string
		Then      guardrails.Consequence
	} `json:"deadMan"`
}

// span is a duration as people write it, such as "90s" or "24h".
type span time.Duration

// UnmarshalText reads it.
func (s *span) UnmarshalText(text []byte) error {
	d, err := time.ParseDuration(string(text))
	*s = span(d)
	return err
}

// readGuards reads a guard file. None without a name.
func readGuards(name string) ([]guardrails.Guard, error) {
	if name == "" {
		return nil, nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, refusedf("cannot read the guards: %v", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxGuardFile+1))
	switch {
	case err != nil:
		return nil, refusedf("cannot read the guards: %v", err)
	case len(data) > maxGuardFile:
		return nil, refusedf("%s: is longer than 1 MB", name)
	}
	return parseGuards(name, data)
}

// parseGuards reads what a guard file has.
func parseGuards(name string, data []byte) ([]guardrails.Guard, error) {
	var file struct {
		Guards []json.RawMessage `json:"guards"`
	}
	if err := strictly(data, &file); err != nil {
		return nil, refusedf("%s: %v", name, err)
	}
	if len(file.Guards) == 0 {
		return nil, refusedf(`%s: has no guards: want {"guards":[{"maxExposure":{"percent":33}},…]}`, name)
	}
	var all []guardrails.Guard
	for i, text := range file.Guards {
		var form guardForm
		if err := strictly(text, &form); err != nil {
			return nil, refusedf("%s: guards[%d]: %v", name, i, err)
		}
		g, err := form.guard()
		if err != nil {
			return nil, refusedf("%s: guards[%d]: %v", name, i, err)
		}
		all = append(all, g)
		if p, ok := g.(interface {
			Problems(report func(path, msg string))
		}); ok {
			var wrong []string
			p.Problems(func(path, msg string) { wrong = append(wrong, path+" "+msg) })
			if len(wrong) > 0 {
				return nil, refusedf("%s: guards[%d] (%s): %s", name, i, guardrails.Name(g), strings.Join(wrong, "; "))
			}
		}
	}
	return all, nil
}

// strictly decodes one JSON document that has nothing unknown, and nothing after it.
func strictly(data []byte, into any) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return errors.New(strings.TrimPrefix(err.Error(), "json: "))
	}
	if _, err := dec.Token(); err != io.EOF {
		return errors.New("there is more after the end of it")
	}
	return nil
}

// guard makes the guard of a form.
func (f guardForm) guard() (g guardrails.Guard, err error) {
	var made []guardrails.Guard
	add := func(set bool, build func() guardrails.Guard) {
		if set {
			made = append(made, build())
		}
	}
	add(f.MaxExposure != nil, func() guardrails.Guard { return *f.MaxExposure })
	add(f.Domains != nil, func() guardrails.Guard { return *f.Domains })
	add(f.DomainGap != nil, func() guardrails.Guard {
		return &guardrails.DomainGap{Label: f.DomainGap.Label, Gap: time.Duration(f.DomainGap.Gap)}
	})
	add(f.Calendar != nil, func() guardrails.Guard {
		return &guardrails.Calendar{FrozenFile: f.Calendar.FrozenFile, OpenFile: f.Calendar.OpenFile, Zone: f.Calendar.Zone, MustFit: f.Calendar.MustFit}
	})
	add(f.KillSwitch != nil, func() guardrails.Guard {
		k := &guardrails.KillSwitch{Mode: f.KillSwitch.Mode, FailOpen: f.KillSwitch.FailOpen}
		for _, path := range f.KillSwitch.Files {
			k.Sources = append(k.Sources, guardrails.File(path))
		}
		for _, url := range f.KillSwitch.URLs {
			k.Sources = append(k.Sources, guardrails.HTTP(url))
		}
		for _, env := range f.KillSwitch.Env {
			k.Sources = append(k.Sources, guardrails.Env(env))
		}
		return k
	})
	add(f.NoIncident != nil, func() guardrails.Guard {
		n := &guardrails.NoIncident{}
		for _, url := range f.NoIncident.URLs {
			n.Sources = append(n.Sources, guardrails.IncidentURL(url))
		}
		for _, path := range f.NoIncident.Files {
			n.Sources = append(n.Sources, guardrails.File(path))
		}
		return n
	})
	add(f.DeadMan != nil, func() guardrails.Guard {
		d := &guardrails.DeadMan{Within: time.Duration(f.DeadMan.Within), Then: f.DeadMan.Then}
		switch {
		case f.DeadMan.File != "" && f.DeadMan.URL != "":
			err = errors.New("deadMan has a file and a url: want one")
		case f.DeadMan.File != "":
			d.Source = guardrails.BeatFile(f.DeadMan.File)
		case f.DeadMan.URL != "":
			d.Source = guardrails.BeatURL(f.DeadMan.URL)
		default:
			err = errors.New("deadMan needs a file or a url: nobody else could beat here")
		}
		return d
	})
	switch {
	case err != nil:
		return nil, err
	case len(made) != 1:
		return nil, fmt.Errorf("has %d guards: want exactly one of %s", len(made), strings.Join(guardWords(), ", "))
	}
	return made[0], nil
}

// guardWords are the names of the guards that a file can have.
func guardWords() []string {
	words := []string{"maxExposure", "domains", "domainGap", "calendar", "killSwitch", "noIncident", "deadMan"}
	slices.Sort(words)
	return words
}
