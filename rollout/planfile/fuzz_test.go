//go:build unix

package planfile_test

import (
	"errors"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/tidegate-go/tidegate/rollout"
	"github.com/tidegate-go/tidegate/rollout/planfile"
)

// Whatever is in a file, it is either refused with a place for every fault, or it is a
// plan that is valid and that is written and read again as it was.
func FuzzDecode(f *testing.F) {
	for _, folder := range []string{"good", "errors"} {
		for _, path := range files(f, folder) {
			f.Add(read(f, path))
		}
	}
	f.Add(documented(f))
	opts := planfile.Options{
		Vars: map[string]string{"version": "v42"}, History: past{},
		ReadFile: func(string) ([]byte, error) { return []byte("a zone=a\nb zone=b\nc zone=a\n"), nil },
		Run:      func([]string) ([]byte, error) { return nil, os.ErrPermission },
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 1<<16 {
			t.Skip()
		}
		first, err := planfile.Decode("testdata/good/p.yaml", data, opts)
		if err != nil {
			var all *planfile.Error
			require.ErrorAs(t, err, &all)
			require.True(t, errors.Is(err, rollout.ErrInvalidPlan))
			require.NotEmpty(t, all.Faults)
			for _, fault := range all.Faults {
				require.Positive(t, fault.Line)
				require.NotEmpty(t, fault.Msg)
			}
			require.Nil(t, first)
			return
		}
		require.NoError(t, first.Plan.Validate())
		out := encoded(t, first)
		again, err := planfile.Decode("testdata/good/p.yaml", []byte(out), opts)
		require.NoError(t, err, "%s", out)
		require.Equal(t, out, encoded(t, again))
		require.Equal(t, hash(t, first), hash(t, again))
	})
}
