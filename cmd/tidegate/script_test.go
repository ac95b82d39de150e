package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain makes the test binary the program, too: scripts and tests find it in PATH
// as tidegate.
func TestMain(m *testing.M) { testscript.Main(m, map[string]func(){"tidegate": main}) }

// noRaceSleep keeps a program with the race detector from waiting a second at its end.
const noRaceSleep = "atexit_sleep_ms=0"

// TestScripts runs the scripts of testdata/scripts. Besides what testscript has,
// they know
//
//	exits CODE PROGRAM ARGUMENTS...
//
// which is exec that wants that exit code.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("testdata", "scripts"),
		Setup: func(env *testscript.Env) error {
			env.Setenv("GORACE", noRaceSleep)
			env.Setenv("TIDEGATE_STATE", filepath.Join(env.WorkDir, "state"))
			return makeExecutable(env.WorkDir)
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"exits": func(ts *testscript.TestScript, neg bool, args []string) {
				want, err := strconv.Atoi(args[0])
				ts.Check(err)
				err = ts.Exec(args[1], args[2:]...)
				var exit *exec.ExitError
				code := 0
				if errors.As(err, &exit) {
					code = exit.ExitCode()
				} else if err != nil {
					ts.Fatalf("%v", err)
				}
				if neg == (code == want) {
					ts.Fatalf("exit code %d, not %d", code, want)
				}
			},
		},
	})
}

// makeExecutable makes programs of the files that say they are.
func makeExecutable(dir string) error {
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err == nil && bytes.HasPrefix(text, []byte("#!")) {
			if err := os.Chmod(f, 0o755); err != nil {
				return err
			}
		}
	}
	return err
}
