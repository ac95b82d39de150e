package rollout

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/tidegate-go/tidegate/analysis"
)

// Found is what a Recall has found. It is data, and can be kept as JSON: the same Found
// gives the same plan, so that a recall that a crash has cut short is carried on.
type Found struct {
	// Service, Version and To are the Recall's.
	Service string `json:"service"`
	Version string `json:"version"`
	To      string `json:"to"`
	// At is when the search began, in whole seconds. It keeps two recalls of the same
	// targets apart.
	At time.Time `json:"at"`
	// Fleet is how many targets were asked.
	Fleet int `json:"fleet"`
	// Targets are those that run the version, in the order of the fleet.
	Targets []Target `json:"targets"`
	// Others counts the targets that run something else, by what they run.
	Others map[string]int `json:"others,omitempty"`
	// Silent are the targets that did not say what they run, in the order of the fleet.
	Silent []Silent `json:"silent,omitempty"`
	// AllowSilent and Floor are the Recall's.
	AllowSilent string  `json:"allowSilent,omitempty"`
	Floor       float64 `json:"floor,omitempty"`
	// Gate is the Recall's. It is no data: JSON leaves it out.
	Gate analysis.Gate `json:"-"`
}

// Silent is a target that did not say what it runs, and why not.
type Silent struct {
	Target Target `json:"target"`
	Why    string `json:"why"`
}

// String returns a short account for people.
func (f *Found) String() string {
	s := fmt.Sprintf("%d of %d targets run %s %s", len(f.Targets), f.Fleet, f.Service, f.Version)
	for _, v := range slices.Sorted(maps.Keys(f.Others)) {
		s += fmt.Sprintf(", %d run %s", f.Others[v], v)
	}
	if n := len(f.Silent); n > 0 {
		s += fmt.Sprintf(", %d did not say", n)
	}
	return s
}

// Plan returns the rollout that moves what was found to the version To: one target
// first, then more and more. Its name is made of all that was found and when, so it
// is the same for the same Found, and another for every recall. What it needs besides
// is for the caller to set: a Gate where the Recall had none, guards, and limits.
//
// A failure freezes it (OnFailure), since to take a recall back is to put the recalled
// version on its targets again; a human may still give the rollback verb. Leave
// Rollback.Registry nil: it would refuse a way back to a version that is marked bad, and
// take the targets that were found for the whole fleet. The Floor lets as many targets be
// down as the Recall's floor of the whole fleet does, less those that did not answer,
// which may be down.
//
// The error is ErrSearchIncomplete, unless silent targets are allowed, or
// ErrNothingToRecall: never an empty plan. It is ErrInvalidPlan where the floor lets no
// target be taken down.
func (f *Found) Plan() (Plan, error) {
	if err := f.incomplete(); err != nil {
		return Plan{}, err
	}
	if err := f.nothing(); err != nil {
		return Plan{}, err
	}
	floor, err := f.floor()
	if err != nil {
		return Plan{}, err
	}
	plan := Plan{
		Name:    f.name(),
		Release: Release{Service: f.Service, From: f.Version, To: f.To, Issued: f.At},
		Targets: slices.Clone(f.Targets),
		Waves:   OneThenDouble(),
		Gate:    f.Gate,
		Floor:   floor,
		// The other way round would spread what is recalled.
		OnFailure: Freeze,
	}
	if len(plan.Targets) == 1 {
		plan.AllowBigBang = fmt.Sprintf("the recall has found %s on one target only", f.Version)
	}
	return plan, nil
}

// incomplete returns who did not answer, as an error, unless that is allowed.
func (f *Found) incomplete() error {
	n := len(f.Silent)
	if n == 0 || f.AllowSilent != "" {
		return nil
	}
	const most = 5
	var who []string
	for _, s := range f.Silent[:min(n, most)] {
		who = append(who, fmt.Sprintf("%s (%s)", s.Target.Name, s.Why))
	}
	if n > most {
		who = append(who, fmt.Sprintf("and %d more", n-most))
	}
	return fmt.Errorf("%w: %d of %d targets did not say what they run: %s; %d were found on %s: ask again, or set AllowSilent to the reason why they do not matter",
		ErrSearchIncomplete, n, f.Fleet, strings.Join(who, ", "), len(f.Targets), f.Version)
}

func (f *Found) nothing() error {
	if len(f.Targets) > 0 {
		return nil
	}
	return fmt.Errorf("%w: none of %d targets runs %s %s", ErrNothingToRecall, f.Fleet, f.Service, f.Version)
}

// floor makes the floor of the whole fleet that of the targets that were found.
func (f *Found) floor() (float64, error) {
	if f.Floor == 0 {
		return 0, nil
	}
	n := len(f.Targets)
	serve := roundUp(f.Floor, f.Fleet)
	down := f.Fleet - serve - len(f.Silent)
	switch {
	case down < 1:
		var ps problems
		ps.add("Recall.Floor", "%v%% of %d targets is %d that must serve at any time, and %d did not answer and may be down, so none could be moved: lower the floor", f.Floor, f.Fleet, serve, len(f.Silent))
		return 0, &PlanError{ps}
	case down >= n:
		return 0, nil // there are not as many to take down
	}
	// Up to the next percentage that rounds to as many: a floor is rounded up.
	percent := 100 * float64(n-down) / float64(n)
	for roundUp(percent, n) < n-down {
		percent = math.Nextafter(percent, 100)
	}
	return percent, nil
}

// name names the rollout: for people by what it moves, and for the journal by a hash
// of all that was found.
func (f *Found) name() string {
	names := make([]string, len(f.Targets))
	for i := range f.Targets {
		names[i] = f.Targets[i].Name
	}
	slices.Sort(names)
	data, _ := json.Marshal([]any{f.Service, f.Version, f.To, f.At.Unix(), names}) // strings and a number: it cannot fail
	sum := sha256.Sum256(data)
	return fmt.Sprintf("recall-%s-%s-%s", plain(f.Service), plain(f.Version), hex.EncodeToString(sum[:6]))
}

// plain is what a rollout's name may hold of a name of any kind.
func plain(name string) string {
	const most = 48 // both, and what is around them, fit into a rollout's name
	b := []byte(name[:min(len(name), most)])
	for i, c := range b {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '.' && c != '_' {
			b[i] = '-'
		}
	}
	return string(b)
}
