package facebook

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tidegate-go/tidegate/examples/incidents/replay"
	"github.com/tidegate-go/tidegate/guardrails"
)

// Incident is 4 October 2021.
func Incident() replay.Incident {
	return replay.Incident{
		Name: "facebook", Title: "Facebook, the backbone", When: "4 Oct 2021",
		Source:    "https://engineering.fb.com/2021/10/05/networking-traffic/outage-details",
		Fault:     "A command to assess the backbone took all of it down: the tool that audits commands had a bug, and let it pass.",
		Guardrail: "a guard has to prove that it says no, and a second one caps removals",
		Without:   asItWent,
		With:      with,
	}
}

// onSite is about how long it took in all: nobody could reach the machines from afar, and
// people had to go there.
const onSite = 6 * time.Hour

// network is made up: so many links between data centres, and so many name servers.
type network struct {
	links, up        int
	servers, serving int
}

func newNetwork() *network { return &network{links: 100, up: 100, servers: 50, serving: 50} }

// command is what was typed. Its weight is how many links it takes down, which is for
// the audit to find out.
func (n *network) command() guardrails.Action {
	return guardrails.Action{Service: "backbone", Target: "assess capacity", Weight: int64(n.links)}
}

// assess is what it does. leave is asked before each thing that goes.
func (n *network) assess(leave func(set string, before, after int) error) error {
	for ; n.up > 0; n.up-- {
		if err := leave("links", n.up, n.up-1); err != nil {
			return err
		}
	}
	return nil
}

// withdraw is what the name servers do: one that cannot reach a data centre leaves.
func (n *network) withdraw(leave func(set string, before, after int) error) error {
	for ; n.up == 0 && n.serving > 0; n.serving-- {
		if err := leave("name servers", n.serving, n.serving-1); err != nil {
			return err
		}
	}
	return nil
}

// down is how many links are, in percent.
func (n *network) down() float64 { return 100 * float64(n.links-n.up) / float64(n.links) }

// audit is the tool that audits commands, on a backbone of so many links.
type audit struct{ links int64 }

// Check is to refuse what takes down more than a tenth. It has a bug, and a common one:
// it compares a share with a percentage, and so refuses nothing. What the real bug was has
// not been told.
func (a audit) Check(_ context.Context, act guardrails.Action) error {
	const most = 10 // percent
	if share := float64(act.Weight) / float64(a.links); share > most {
		return &guardrails.Breach{Guard: a.GuardName(), Reason: "the command takes down too much of the backbone"}
	}
	return nil
}

// GuardName returns "audit".
func (audit) GuardName() string { return "audit" }

// SelfTest shows it what anybody would refuse: a command that takes every link down.
func (a audit) SelfTest(ctx context.Context) error {
	if a.Check(ctx, guardrails.Action{Service: "backbone", Target: "self-test", Weight: a.links}) == nil {
		return errors.New("it let through a command that takes every link down")
	}
	return nil
}

// pace is the second guard: a tenth of a set may go in one run, whatever the reason.
func pace() *guardrails.MaxRemoval {
	return &guardrails.MaxRemoval{Run: guardrails.Removal{Percent: 10}, PlanOnly: true}
}

// unhindered lets everything go.
func unhindered(string, int, int) error { return nil }

// asItWent asks the audit, and believes it.
func asItWent() (replay.Outcome, error) {
	ctx, n := context.Background(), newNetwork()
	o := replay.Outcome{Of: "of the backbone", Recover: onSite, Sum: true, Ending: "mended by hand, on site"}
	if err := (audit{100}).Check(ctx, n.command()); err != nil {
		return o, fmt.Errorf("the audit works after all: %w", err)
	}
	o.Story = append(o.Story, replay.Line(0, "the audit says yes to the command"))
	if err := errors.Join(n.assess(unhindered), n.withdraw(unhindered)); err != nil {
		return o, err
	}
	o.Exposed = n.down()
	o.Story = append(o.Story,
		replay.Line(0, fmt.Sprintf("%d of %d links are down", n.links-n.up, n.links)),
		replay.Line(0, fmt.Sprintf("%d of %d name servers reach no data centre, and withdraw", n.servers-n.serving, n.servers)),
		replay.Line(0, "the tools that would mend it need the network that is down"),
		replay.Line(onSite, "people on site have brought it back"))
	return o, nil
}

// with runs the same command under the same audit, and under the second guard. Before
// anything runs, each guard has to prove that it says no to something. And then it tells
// of an audit that nobody can test, so that the second guard is the one that stops it.
func with() (replay.Outcome, error) {
	o, err := run(newNetwork(), audit{100})
	if err != nil {
		return o, err
	}
	again, err := run(newNetwork(), untested())
	o.Story = append(o.Story, "", "And had nobody been able to test the audit:")
	o.Story = append(o.Story, again.Story...)
	return o, err
}

// untested is the audit without its self-test.
func untested() guardrails.Guard { return guardrails.Func(audit{100}.Check) }

// run runs the command under guards.
func run(n *network, first guardrails.Guard) (replay.Outcome, error) {
	second := pace()
	guarded := guardrails.Guarded{Guards: []guardrails.Guard{first, second}, Action: n.command()}
	err := guarded.Do(context.Background(), func(context.Context) error {
		return errors.Join(n.assess(second.Plan), n.withdraw(second.Plan))
	})
	o := replay.Outcome{Exposed: n.down(), Of: "of the backbone"}
	breach := (*guardrails.Breach)(nil)
	switch {
	case errors.Is(err, guardrails.ErrRefused):
		o.Refused, o.Ending = true, "refused: the audit failed its self-test"
		o.Story = []string{replay.Line(0, err.Error())}
		return o, nil
	case errors.As(err, &breach):
		o.Ending = "stopped: the rest stays up, and carries the traffic"
		o.Story = []string{
			replay.Line(0, fmt.Sprintf("%s says no (%v): %s (%s)", breach.Guard, breach.Consequence, breach.Reason, breach.Evidence)),
			replay.Line(0, fmt.Sprintf("%d of %d links are down, and %d of %d name servers", n.links-n.up, n.links, n.servers-n.serving, n.servers)),
		}
		return o, nil
	case err == nil:
		return o, errors.New("nothing stopped the command")
	}
	return o, err
}
