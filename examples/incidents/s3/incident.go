package s3

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/tidegate-go/tidegate/examples/incidents/replay"
	"github.com/tidegate-go/tidegate/guardrails"
)

// Incident is the outage, told twice.
func Incident() replay.Incident {
	return replay.Incident{
		Name: "s3", Title: "Amazon S3, us-east-1", When: "28 Feb 2017",
		Source: "https://aws.amazon.com/message/41926/",
		Fault: "A playbook that removes a few servers was given one wrong input and removed many more, on which two other " +
			"subsystems stood; both had to be restarted in full.",
		Guardrail: "a cap on what one run removes, and a floor under every group that stands on it; either would have done",
		Without:   func() (replay.Outcome, error) { return tell(safety{}, typed) },
		With:      func() (replay.Outcome, error) { return tell(newSafety(), typed) },
	}
}

// safety is what is asked before a server is removed. Without cap and floors, nothing is.
type safety struct {
	cap    *guardrails.MaxRemoval
	floors map[string]*guardrails.NeverEmpty // by group
}

func newSafety() safety {
	s := safety{
		cap:    &guardrails.MaxRemoval{Run: guardrails.Removal{Count: 10}, PlanOnly: true},
		floors: make(map[string]*guardrails.NeverEmpty),
	}
	for _, g := range groups() {
		s.floors[g.name] = &guardrails.NeverEmpty{Min: g.needs, PlanOnly: true}
	}
	return s
}

// guards are all of them.
func (s safety) guards() (all []guardrails.Guard) {
	if s.cap != nil {
		all = append(all, s.cap)
	}
	for _, g := range groups() {
		if floor := s.floors[g.name]; floor != nil {
			all = append(all, floor)
		}
	}
	return all
}

// ask asks about one server, for every group that stands on it and not only for the one
// that the playbook was meant for.
func (s safety) ask(f *fleet, server int) error {
	for _, g := range groups() {
		if server < g.from || server > g.to {
			continue
		}
		has := f.of(g)
		if floor := s.floors[g.name]; floor != nil {
			if err := floor.Plan(g.name, has, has-1); err != nil {
				return err
			}
		}
		if s.cap != nil {
			if err := s.cap.Plan(g.name, has, has-1); err != nil {
				return err
			}
		}
	}
	return nil
}

// run runs the playbook, under its guards if it has any.
func (s safety) run(playbook func(context.Context) error) error {
	guards := s.guards()
	if len(guards) == 0 {
		return playbook(context.Background())
	}
	return guardrails.Do(context.Background(), guards, playbook)
}

// What the playbook was meant to remove, and what was typed: the names of servers begin
// like that.
const meant, typed = "host-00", "host-0"

// tell runs the playbook on what was typed, one server a second.
func tell(s safety, typed string) (replay.Outcome, error) {
	o, d, f := replay.Outcome{Of: "of the index and placement subsystems"}, &replay.Diary{}, newFleet()
	d.Say("9:37 AM: a playbook is to take %d servers from billing; it is told to take %d", len(f.match(meant)), len(f.match(typed)))
	removed := 0
	err := s.run(func(context.Context) error {
		for _, server := range f.match(typed) {
			if err := s.ask(f, server); err != nil {
				return err
			}
			f.up[server] = false
			removed++
			d.Wait(time.Second)
		}
		return nil
	})
	var no *guardrails.Breach
	if err != nil && !errors.As(err, &no) {
		return o, err
	}
	if no != nil {
		o.Detect = d.Now()
		d.Say("%s says no: %s (%s)", no.Guard, no.Reason, no.Evidence)
	}
	down := slices.DeleteFunc(f.down(), func(name string) bool { return name == "billing" })
	o.Exposed = 100 * float64(len(down)) / 2
	if len(down) == 0 {
		d.Say("the playbook has stopped after %d servers, and every subsystem has what it needs", removed)
		o.Ending, o.Story = "stopped, with every subsystem above its floor", d.Story()
		return o, nil
	}
	d.Say("%d servers are gone, and these have fewer than they need: %s", removed, strings.Join(down, ", "))
	d.Wait(4*time.Hour + 17*time.Minute - d.Now())
	d.Say("1:54 PM: both are up again, after a full restart such as had not been done for many years")
	o.Sum, o.Recover = true, d.Now()
	o.Ending, o.Story = "two subsystems were restarted in full", d.Story()
	return o, nil
}
