package execdeploy_test

import (
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/rollout/execdeploy"
)

// What an earlier runner of the same rollout has left is stopped before anything is
// run, however deaf it is; nothing else is touched.
func TestLeftovers(t *testing.T) {
	t.Parallel()
	owner := t.TempDir()
	type left struct {
		line, owner, key, fence string
		session                 bool
		stopped                 bool
	}
	for name, l := range map[string]left{
		"earlier":         {"exec sleep 60", owner, "left-1/do/host-1", "1", false, true},
		"deaf":            {"trap '' TERM; while :; do sleep 0.05; done", owner, "left-1/undo/host-2", "1", false, true},
		"of this runner":  {"exec sleep 60", owner, "left-1/do/host-3", "2", false, false},
		"other rollout":   {"exec sleep 60", owner, "left-10/do/host-1", "1", false, false},
		"other owner":     {"exec sleep 60", owner + "x", "left-1/do/host-1", "1", false, false},
		"a daemon":        {"exec sleep 60", owner, "left-1/do/host-1", "1", true, false},
		"not of tidegate": {"exec sleep 60", "", "", "", false, false},
	} {
		cmd := exec.Command("/bin/sh", "-c", l.line)
		cmd.Env = append(cmd.Environ(), "TIDEGATE_OWNER="+l.owner, "TIDEGATE_KEY="+l.key, "TIDEGATE_FENCE="+l.fence)
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: !l.session, Setsid: l.session}
		require.NoError(t, cmd.Start())
		over := make(chan struct{})
		go func() {
			_ = cmd.Wait()
			close(over)
		}()
		t.Cleanup(func() {
			_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
			<-over
		})
		defer func() {
			select {
			case <-over:
				require.True(t, l.stopped, name)
			case <-time.After(map[bool]time.Duration{true: time.Minute}[l.stopped]):
				require.False(t, l.stopped, name)
			}
		}()
	}
	d := deployer(t, execdeploy.Commands{Deploy: []string{"true"}, Owner: owner, Grace: 200 * time.Millisecond})
	release := forward
	release.Key, release.Fence = "left-1/do/host-1", 2
	require.NoError(t, d.Deploy(t.Context(), host, release))
}
