package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/tidegate-go/tidegate/guardrails"
)

// guard is the verb's own verbs.
type guard struct {
	Test guardTest `cmd:"" help:"Have each guard of a file prove that it can say no."`
}

// guardTest is the verb's flags.
type guardTest struct {
	Output string `enum:"text,json" default:"text" help:"What to report as: text, or json, which is one guard a line."`
	File   string `arg:"" help:"The guards, as for --guards."`
}

// Help is what --help says of the verb beside its flags.
func (guardTest) Help() string {
	return `It reads a guard file, and puts a known-bad action before each guard in it, or before a copy of it with the same settings: a guard that was never seen to say no is a hope. It changes nothing. tidegate each and exec do the same before they begin.

A guard file is JSON, and each and exec take it by --guards:

  {"guards": [
    {"maxExposure": {"percent": 33, "perLabel": "zone"}},
    {"domains": {"label": "region", "pairs": [["eu-1", "eu-2"]]}},
    {"domainGap": {"label": "region", "gap": "10m"}},
    {"calendar": {"frozenFile": "freeze.ics", "zone": "Europe/Berlin", "mustFit": true}},
    {"killSwitch": {"files": ["/run/stop"], "urls": ["http://ops/stop"], "mode": "rollback"}},
    {"noIncident": {"urls": ["http://status/incident"]}},
    {"deadMan": {"file": "/run/heartbeat", "within": "1m", "then": "halt"}}
  ]}

Exit codes: 0 every guard has proved itself; 3 one has not, or the file is no good; 2 bad usage; 1 internal error.`
}

// proof is what became of one guard.
type proof struct {
	Guard string `json:"guard"`
	OK    bool   `json:"ok"`
	Error string `json:"error,omitempty"`
}

func (g guardTest) run(stdout io.Writer) (code int, err error) {
	guards, err := readGuards(g.File)
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	code = exitDone
	for _, one := range guards {
		p := proof{Guard: guardrails.Name(one), OK: true}
		if err := guardrails.SelfTest(ctx, one); err != nil {
			p.OK, p.Error, code = false, err.Error(), exitRefused
		}
		if g.Output == "json" {
			if err := json.NewEncoder(stdout).Encode(p); err != nil {
				return 0, err
			}
			continue
		}
		said := "ok      "
		if !p.OK {
			said = "FAILED  "
		}
		fmt.Fprintln(stdout, said+p.Guard)
		if !p.OK {
			fmt.Fprintln(stdout, "        "+p.Error)
		}
	}
	return code, nil
}
