// Package planfile reads plans from files: YAML, or JSON, to a [rollout.Plan] and what
// runs it.
//
//	data, err := os.ReadFile("plan.yaml")
//	…
//	f, err := planfile.Decode("plan.yaml", data, planfile.Options{Vars: vars})
//	…
//	runner := rollout.Runner{Plan: f.Plan, Deployer: f.Deployer, Journal: filejournal.Dir(f.Runner.Journal)}
//
// # A plan
//
//	name: checkout-${version}
//	release: {service: checkout, from: v41, to: "${version}", issued: 2026-07-01T12:00:00Z}
//
//	# The fleet: a list, {file: fleet.txt}, or {command: [./fleet.sh]}, with one target a line.
//	targets:
//	  - {name: eu-1, labels: {zone: a}, weight: 10}
//	  - {name: eu-2, labels: {zone: b}, weight: 10}
//	  - {name: eu-3, labels: {zone: a}, weight: 10, tier: 1}
//	  - {name: eu-4, labels: {zone: b}, weight: 10, tier: 1}
//
//	# How it gets there. No shell sees the arguments; {target} and {version} are filled in.
//	deployer:
//	  exec:
//	    deploy: [./deploy.sh, "{target}", "{version}"]
//	    check: [./healthy.sh, "{target}"]
//	    version: [./version.sh, "{target}"]
//
//	# Wave by wave, or by a rule: one-then-double, {percent: [1%, 10%, 100%]},
//	# {counts: [1, 5]}, {by-label: region}, {preset: canary-10-percent-5-minutes}.
//	waves:
//	  - percent: 25%
//	  - percent: 50%
//	    approval: true
//	  - percent: 100%
//	    ungated: nothing runs the old version any more, and the burn-rate alarm watches
//
//	prometheus: http://prometheus:9090
//
//	gate:
//	  bake: {at-least: 5m, at-most: 1h, samples: 1000}
//	  checks:
//	    - name: errors
//	      source:
//	        promql-counts:
//	          total: sum(increase(http_requests_total{pod=~"{{.Arm}}"}[{{.Window}}]))
//	          events: sum(increase(http_requests_total{pod=~"{{.Arm}}", code=~"5.."}[{{.Window}}]))
//	      judge: {not-worse: {detect: 2}}
//	    - name: orders
//	      source: {command-value: [./orders.sh]}
//	      judge: {above: 95%}
//	      critical: true
//
//	guards:
//	  - max-exposure: {percent: 50%, per-label: zone}
//	  - kill-switch: /run/checkout.stop
//	  - calendar: {frozen: [{name: weekend, days: [fri], begin: "16:00", end: "24:00", zone: Europe/Berlin}]}
//
//	rollback:
//	  batch: 33%
//	  deadline: 30m
//	  takes: 20s
//	  rto: 10m
//	  fast: [{name: flag off, run: [./flag.sh, "off"]}]
//	  page: [./page.sh, "{message}"]
//	  registry: versions.jsonl
//
//	floor: 50%
//	failures: {per-wave: 1, total: 2}
//	hold-at-most: 4h
//	runner: {journal: /var/lib/tidegate, on-interrupt: stop}
//
// # What there is
//
//   - Waves: one-then-double, percent, counts, by-label, traffic, and the presets
//     one-box-then-double, canary-10-percent-5-minutes, linear-10-percent-every-minute and
//     all-at-once, which needs because: a reason. Or a list, in which every wave says what
//     is in it by percent (of all that has the release by then), count, targets or labels,
//     and may have approval, ungated, and a gate of its own.
//   - Sources: promql-counts, promql-counters, promql-value, promql-histogram,
//     scrape-counters, scrape-histogram, command-value, command-report, json-api.
//   - Judges: not-worse, above, below, within, burn-rate, trend, sample-ratio, per-slice,
//     all-of.
//   - Guards: max-exposure, domains, domain-gap, min-healthy, calendar, kill-switch,
//     no-incident, dead-man, metric, error-budget, fence, rate, breaker, approval,
//     validator, taste, max-diff, drift, converged.
//   - Deployers: exec. Shifters of traffic: exec, with {percent} among its arguments.
//
// Their fields are those of the types that they make, in small letters with dashes, but
// for what is code there: a program and its arguments stand in place of a function. The
// guard metric looks at the fleet as a whole, min-healthy and drift ask the plan's targets
// by its deployer, and converged does so before the steps with the labels of before.
//
// # How things are written
//
// Durations have a unit: 90s, 5m, 1h30m, 3d. Percentages have their sign: 33%, 0.1%; a
// bare number is refused where a percentage is meant, since nobody can tell whether 1 is
// all or a hundredth. Times are RFC 3339. What has kinds (sources, judges, guards, the
// deployer, waves) is written as its kind and the settings of that: above: {limit: 95%}.
// Where one setting matters most, it may stand alone, above: 95%; and a kind without
// settings may stand by its name, judge: not-worse.
//
// ${name} is a variable (Options, Vars), in any value and never in the name of a field;
// $${ is a plain ${. A variable is filled in after the YAML was read, so it can be no
// more than a part of one value.
//
// Paths of files, and of programs with a slash in them, are relative to the plan file's
// folder; those of programs that have a dir to run in, to that. Programs are lists of
// arguments, and the first has to be there when the file is decoded. Secrets have no
// place in a plan: sources take them from files.
//
// # Faults
//
// Decode is strict. It knows every field, and names the nearest where one is unknown;
// what is not there once is not there twice; a zero that would mean a default is refused;
// anchors, aliases, tags and second documents are as well. It goes on after a fault, and
// returns all of them, with what [rollout.Plan] finds wrong with itself, as
//
//	plan.yaml:31:23: gate.checks[0].judge.not-worse.detcet: unknown field: did you mean detect?
//
// # What a program adds
//
// A [Registry] says what may stand in a file by name. A program that has a source, a
// judge, a guard or a deployer of its own puts it there, and reads its settings from a
// [Section] by the same rules, with the same faults.
package planfile
