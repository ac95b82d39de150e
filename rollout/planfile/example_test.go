package planfile_test

import (
	"context"
	"fmt"
	"time"

	"github.com/tidegate-go/tidegate/guardrails"
	"github.com/tidegate-go/tidegate/rollout"
	"github.com/tidegate-go/tidegate/rollout/planfile"
)

const shop = `
name: shop-${version}
release: {service: shop, from: v41, to: "${version}"}
targets: [eu-1, eu-2, eu-3, eu-4]
deployer: fleet-api
waves: {counts: [1, 1]}
gate:
  bake: 5m
  checks:
    - {name: errors, source: {command-report: [cat, errors.json]}, judge: not-worse}
guards:
  - load-below: {url: "http://load/", most: 80%}
`

// A program gives a place in the file to what is its own.
func Example() {
	known := planfile.Standard()
	known.Guards["load-below"] = func(s *planfile.Section) guardrails.Guard {
		s.Need("url", "most")
		return &loadBelow{url: s.Text("url"), most: s.Percent("most"), every: s.Duration("every")}
	}
	known.Deployers["fleet-api"] = func(*planfile.Section) rollout.Deployer {
		return rollout.DeployerFunc(func(context.Context, rollout.Target, rollout.Release) error { return nil })
	}
	opts := planfile.Options{Registry: known, Vars: map[string]string{"version": "v42"}}

	f, err := planfile.Decode("shop.yaml", []byte(shop), opts)
	if err != nil {
		fmt.Println(err)
		return
	}
	waves, _ := f.Plan.Waves.Split(f.Plan.Targets)
	fmt.Println(f.Plan.Name, "in", len(waves), "waves, guarded by", guardrails.Name(f.Plan.Guards[0]))

	_, err = planfile.Decode("shop.yaml", []byte(shop+"  - load-below: {url: \"http://load/\", mots: 0.8, every: 5}\n"), opts)
	fmt.Println(err)
	// Output:
	// shop-v42 in 3 waves, guarded by load below 80%
	// shop.yaml:13:17: guards[1].load-below.most: is missing
	// shop.yaml:13:39: guards[1].load-below.mots: unknown field: did you mean most?
	// shop.yaml:13:57: guards[1].load-below.every: "5" has no unit: write 5s or 5m
}

type loadBelow struct {
	url   string
	most  float64
	every time.Duration
}

func (g *loadBelow) Check(context.Context, guardrails.Action) error { return nil }

func (g *loadBelow) GuardName() string { return fmt.Sprintf("load below %v%%", g.most) }
