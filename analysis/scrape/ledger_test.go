package scrape

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestLedgerForgetsWhoIsInNeitherArm(t *testing.T) {
	t.Parallel()
	begin := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	stays := entry{name: "stays", stint: stint{arm: canary}}
	leaves := entry{name: "leaves", stint: stint{arm: baseline}}
	l := make(ledger)
	for _, e := range []entry{stays, leaves} {
		require.NoError(t, l.enter(e, begin, reading{}, 1))
	}
	l.forget([]entry{stays, leaves}, begin)
	l.forget([]entry{stays}, begin.Add(forgetAfter))
	require.Len(t, l, 2, "not at once: it may come back")
	l.forget([]entry{stays}, begin.Add(forgetAfter+1))
	require.Len(t, l, 1)
	require.Contains(t, l, "stays", "a member is kept, even one that cannot be read")
}
