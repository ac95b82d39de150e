package execdeploy

import (
	"bytes"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// groups finds the process groups that they have started, by what is in their
// environment. A group in a session of its own is a daemon that was started on purpose.
func (l lineage) groups() (groups []int) {
	proc, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	for _, dir := range proc {
		pid, err := strconv.Atoi(dir.Name())
		if err != nil || pid == os.Getpid() {
			continue
		}
		env, err := os.ReadFile("/proc/" + dir.Name() + "/environ")
		if err != nil || !l.started(env) {
			continue // it is somebody else's, has ended, or is a zombie
		}
		group, session, ok := groupAndSession(dir.Name())
		if ok && group != session && group > 1 && group != syscall.Getpgrp() && !slices.Contains(groups, group) {
			groups = append(groups, group)
		}
	}
	return groups
}

// started tells whether an environment is that of a program of theirs.
func (l lineage) started(env []byte) bool {
	owner, key, earlier := false, false, false
	for v := range bytes.SplitSeq(env, []byte{0}) {
		name, value, _ := strings.Cut(string(v), "=")
		switch name {
		case ownerName:
			owner = value == l.owner
		case "TIDEGATE_KEY":
			key = strings.HasPrefix(value, l.rollout+"/")
		case "TIDEGATE_FENCE":
			n, err := strconv.ParseUint(value, 10, 64)
			earlier = err == nil && n < l.fence
		}
	}
	return owner && key && earlier
}

// groupAndSession reads them from the line in stat: the fields after the name, which
// may have anything in it, are state, parent, group and session.
func groupAndSession(pid string) (group, session int, ok bool) {
	stat, err := os.ReadFile("/proc/" + pid + "/stat")
	if err != nil {
		return 0, 0, false
	}
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if len(fields) < 4 {
		return 0, 0, false
	}
	group, err = strconv.Atoi(fields[2])
	session, err2 := strconv.Atoi(fields[3])
	return group, session, err == nil && err2 == nil
}

func signalGroup(group int, kill bool) {
	signal := syscall.SIGTERM
	if kill {
		signal = syscall.SIGKILL
	}
	_ = syscall.Kill(-group, signal) // it may have ended by now
}
