package httpx

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Targets come and go, and those that are gone are forgotten.
func TestCircuitsDoNotPileUp(t *testing.T) {
	t.Parallel()
	c := circuits{openAfter: 1, shortest: time.Second, longest: time.Minute}
	now := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range 100_000 {
		now = now.Add(time.Second)
		c.leave(fmt.Sprint("gone-", i), now, false, failing, "gone")
		require.Less(t, len(c.byHost), 300)
	}
	now = now.Add(time.Hour)
	for i := range 10_000 { // all at once: as many as there are
		c.leave(fmt.Sprint("down-", i), now, false, failing, "down")
	}
	require.GreaterOrEqual(t, len(c.byHost), 10_000)
	for i := range 10_000 {
		c.leave(fmt.Sprint("down-", i), now, true, working, "")
	}
	require.Less(t, len(c.byHost), 300, "those that are back have none")
}

// A call that was made before the circuit opened neither lengthens the time that
// it stays open, nor ends another's trial.
func TestCallsThatComeLate(t *testing.T) {
	t.Parallel()
	c := circuits{openAfter: 2, shortest: time.Second, longest: time.Minute}
	now := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	for range 50 {
		c.leave("h", now, false, failing, "down")
	}
	_, err := c.enter("h", now)
	require.ErrorContains(t, err, "after 2 failed calls in a row")
	now = now.Add(time.Second)
	trial, err := c.enter("h", now)
	require.NoError(t, err)
	require.True(t, trial)
	c.leave("h", now, false, failing, "late")
	_, err = c.enter("h", now)
	require.ErrorContains(t, err, "another call is trying now: the last one failed with: down")
	c.leave("h", now, false, working, "")
	c.leave("h", now, true, failing, "down")
	trial, err = c.enter("h", now)
	require.NoError(t, err, "the late answer has closed it, and one failure opens nothing")
	require.False(t, trial)
}
