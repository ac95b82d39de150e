package guardrails

import (
	"context"
	"errors"
	"os"
	"strings"
)

// Env returns a source that says trip while an environment variable of this process
// is set and not empty, whatever its value: "0" and "false" trip, too. Its value is
// the reason.
//
//	TIDEGATE_STOP="bad orders, bob" ./deploy
//
// It is read when the switch is armed, and again with each read. Nobody can change the
// environment of a process from outside, so this is for a process that is not to begin
// (an orchestrator's setting, a shell that was told to stop), or that sets it itself.
// Add a File, an HTTP or Signals to stop one that runs.
func Env(name string) SwitchSource { return envSource(name) }

type envSource string

// Name returns "environment" and the variable.
func (e envSource) Name() string { return "environment " + string(e) }

// Read looks at the variable.
func (e envSource) Read(context.Context) (tripped bool, reason string, err error) {
	name := string(e)
	if name == "" || strings.ContainsAny(name, "=\x00") {
		return false, "", errors.New("no environment variable can have that name")
	}
	value := os.Getenv(name)
	return value != "", value, nil
}
