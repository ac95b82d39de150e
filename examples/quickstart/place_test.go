package main

import (
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/rollout"
)

func TestRunsAreNumbered(t *testing.T) {
	p := place(t.TempDir())
	n, err := p.run()
	require.NoError(t, err)
	assert.Equal(t, 1, n)
	require.NoError(t, p.finish(n))
	n, err = p.run()
	require.NoError(t, err)
	assert.Equal(t, 2, n)

	require.NoError(t, os.WriteFile(p.runFile(), []byte("many"), 0o600))
	_, err = p.run()
	require.ErrorContains(t, err, "to begin anew")
}

func TestARolloutThatWasNeverBegunHasNoPast(t *testing.T) {
	s, err := place(t.TempDir()).past("quickstart-1-v2")
	require.NoError(t, err)
	assert.Equal(t, rollout.Pending, s.Phase())
}
