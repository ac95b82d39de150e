package execdeploy

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/tidegate-go/tidegate/rollout"
)

// placeholders are what is filled in in an argument.
var placeholders = []string{"{target}", "{version}", "{from}", "{wave}"}

// argProblems reports what is wrong with a command.
func (c Commands) argProblems(path string, args, can []string, report func(path, msg string)) {
	if len(args) > 0 {
		if problem := c.programProblem(args[0]); problem != "" {
			report(path+"[0]", problem)
		}
	}
	for i, arg := range args {
		at := fmt.Sprintf("%s[%d]", path, i)
		if strings.ContainsRune(arg, 0) {
			report(at, "has a NUL, which no argument can have")
		}
		for _, p := range placeholders {
			switch {
			case !strings.Contains(arg, p):
			case i == 0 && c.Shell:
				report(at, fmt.Sprintf(`has %s in a line for the shell, where a name could break out of it: write "$TIDEGATE_%s"`, p, strings.ToUpper(strings.Trim(p, "{}"))))
			case !slices.Contains(can, p):
				report(at, fmt.Sprintf("has %s, which nobody knows when this is asked", p))
			}
		}
	}
}

// programProblem says why a program could not be run for any target.
func (c Commands) programProblem(program string) string {
	if program == "" {
		return "is empty: want a program"
	}
	if _, err := c.find(program); err != nil {
		return fmt.Sprintf("cannot be run: %v", err)
	}
	return ""
}

// find returns where a program is. It is empty if that is found out for each target.
func (c Commands) find(program string) (string, error) {
	switch {
	case c.Shell:
		return "", nil
	case slices.ContainsFunc(placeholders, func(p string) bool { return strings.Contains(program, p) }):
		return "", nil
	case c.Dir == "" || filepath.IsAbs(program) || !strings.ContainsRune(program, filepath.Separator):
		return exec.LookPath(program)
	}
	_, err := exec.LookPath(filepath.Join(c.Dir, program))
	return program, err // it is run in Dir
}

// argv returns what to run for a target.
func (c Commands) argv(args []string, target string, release rollout.Release) []string {
	var fill *strings.Replacer // takes a while to make
	filled := make([]string, 0, len(args)+3)
	if c.Shell {
		filled = append(filled, "/bin/sh", "-c", args[0], "sh")
		args = args[1:]
	}
	for _, arg := range args {
		if strings.Contains(arg, "{") {
			if fill == nil {
				fill = strings.NewReplacer("{target}", target, "{version}", release.To, "{from}", release.From, "{wave}", strconv.Itoa(release.Wave))
			}
			arg = fill.Replace(arg)
		}
		filled = append(filled, arg)
	}
	return filled
}

// environment returns what the program has in its environment.
func (c Commands) environment(target string, release rollout.Release) []string {
	env := append(slices.Clip(c.Env), "TIDEGATE_TARGET="+target, "TIDEGATE_VERSION="+release.To, "TIDEGATE_FROM="+release.From)
	for name, n := range map[string]uint64{"WAVE": uint64(release.Wave), "FENCE": release.Fence} {
		v := ""
		if n > 0 {
			v = strconv.FormatUint(n, 10)
		}
		env = append(env, "TIDEGATE_"+name+"="+v)
	}
	if c.Owner != "" {
		env = append(env, ownerName+"="+c.Owner)
	}
	return append(env, "TIDEGATE_KEY="+release.Key)
}
