package main

import (
	"errors"
	"testing"

	"github.com/tidegate-go/tidegate/guardrails"
)

// Whatever a guard file has in it, it is refused with its name, or makes guards that
// can be asked to prove themselves.
func FuzzGuardFile(f *testing.F) {
	for _, seed := range []string{
		`{"guards":[{"maxExposure":{"percent":33,"perLabel":"zone"}}]}`,
		`{"guards":[{"domains":{"label":"region","pairs":[["a","b"]],"zones":{"a":["1"]}}},{"domainGap":{"label":"z","gap":"10m"}}]}`,
		`{"guards":[{"killSwitch":{"files":["/x"],"urls":["http://h/"],"env":["E"],"mode":"rollback"}}]}`,
		`{"guards":[{"calendar":{"frozenFile":"f.ics","mustFit":true}},{"noIncident":{"urls":["http://h/"]}}]}`,
		`{"guards":[{"deadMan":{"file":"/b","within":"1m","then":"halt"}}]}`,
		`{"guards":[{}]}`, `{"guards":[null]}`, `[]`, `{"guards":[{"domainGap":{"gap":"x"}}]}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		guards, err := parseGuards("guards.json", data)
		if refused := (refused{}); err != nil && !errors.As(err, &refused) {
			t.Fatalf("%T: %v", err, err)
		}
		if (err == nil) == (len(guards) == 0) {
			t.Fatal(guards, err)
		}
		for _, g := range guards {
			if guardrails.Name(g) == "" {
				t.Fatal("a guard without a name")
			}
		}
	})
}
