package evidence

import (
	"encoding/json"
	"math"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

// oracle holds figures that another implementation computed; its "about" says
// which.
type oracle struct {
	About     struct{ Psi []float64 }
	Sequences []struct {
		NC, NB, XC, XB []uint64
		Hyper          []float64 `json:"logE_hyper"`
		Restart80      []float64 `json:"logE_hyper_restart80"`
		Tolerant       []float64 `json:"logE_hyper_psi0_1p25"`
		SLO            struct {
			P0     float64
			Values []float64
		} `json:"logE_one_slo"`
	}
	LogMGF []struct {
		NC, NB, E uint64
		Psi, LogM float64
	}
}

func readOracle(t *testing.T) (o oracle) {
	t.Helper()
	data, err := os.ReadFile("testdata/eprocess.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, &o))
	require.NotEmpty(t, o.Sequences)
	require.NotEmpty(t, o.LogMGF)
	return o
}

func TestProcessesAgreeWithTheOracle(t *testing.T) {
	const tolerance = 1e-8
	for i, s := range readOracle(t).Sequences {
		plain, restart, tolerant := must(NewHarm(1, 0)), must(NewHarm(1, len(s.NC))), must(NewHarm(1.25, 0))
		rate := must(NewRate(s.SLO.P0))
		for k := range s.NC {
			c := Counts{s.XC[k], s.NC[k], s.XB[k], s.NB[k]}
			plain.Observe(c)
			restart.Observe(c)
			tolerant.Observe(c)
			rate.Observe(s.XC[k], s.NC[k])
			require.InDelta(t, s.Hyper[k], plain.Log(), tolerance, "plain mixture, sequence %d interval %d", i, k)
			require.InDelta(t, s.Restart80[k], restart.Log(), tolerance, "with restarts, sequence %d interval %d", i, k)
			require.InDelta(t, s.Tolerant[k], tolerant.Log(), tolerance, "with tolerance, sequence %d interval %d", i, k)
			require.InDelta(t, s.SLO.Values[k], rate.Log(), tolerance, "against a limit, sequence %d interval %d", i, k)
		}
	}
}

func TestLogMGFAgreesWithTheOracle(t *testing.T) {
	for _, c := range readOracle(t).LogMGF {
		m, _, ok := Counts{min(c.E, c.NC), c.NC, c.E - min(c.E, c.NC), c.NB}.split()
		require.True(t, ok)
		psi, logs, out := []float64{c.Psi}, []float64{math.Log(c.Psi)}, make([]float64, 1)
		m.logMGFs(psi, logs, out)
		require.InDelta(t, c.LogM, out[0], 1e-8, "%+v", c)
		m.sumAround(psi, logs, out)
		require.InDelta(t, c.LogM, out[0], 1e-8, "around the modes: %+v", c)
	}
}

func TestGridIsTheOracles(t *testing.T) {
	h := must(NewHarm(1, 0))
	require.InDeltaSlice(t, readOracle(t).About.Psi, h.psi[1:], 1e-12)
}
