package command_test

import (
	"context"
	"errors"
	"os/exec"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/analysis/command"
)

func shell(script string, args ...string) command.Program {
	return command.Program{Args: append([]string{"/bin/sh", "-c", script}, args...)}
}

// sources are one of each kind that run the same.
func sources(p command.Program) map[string]analysis.Source {
	return map[string]analysis.Source{
		"gauge":  &command.Gauge{Program: p, CanaryOnly: true},
		"report": &command.Report{Program: p},
	}
}

func TestWhatTheProgramIsTold(t *testing.T) {
	w := exampleWindow()
	w.Start = w.Start.In(time.FixedZone("", 3600))
	w.Canary.Members[0].Labels = map[string]string{"zone": "a"}
	w.Canary.Members[0].Since = w.Start.Add(-time.Minute)
	t.Setenv("TIDEGATE_WAVE", "overwritten")
	for name, test := range map[string]struct{ script, want string }{
		"environment": {
			"echo $TIDEGATE_WAVE,$TIDEGATE_START,$TIDEGATE_END,$TIDEGATE_CANARY_VERSION,$TIDEGATE_BASELINE_VERSION,$MORE,${HOME:+home} >&2; exit 1",
			"1,1893499200.000,1893499210.000,v2,v1,a b,home",
		},
		"no shell":  {`echo "$0 $1" >&2; exit 1`, "$(id) *"},
		"directory": {"pwd >&2; exit 1", "/"},
	} {
		p := shell(test.script, "$(id)", "*")
		p.Env, p.Dir = []string{"MORE=a b"}, "/"
		for kind, s := range sources(p) {
			_, err := s.Observe(t.Context(), w)
			require.ErrorContains(t, err, `(it said "`+test.want+`")`, "%s, %s", name, kind)
		}
	}

	stdin := shell(`[ "$(cat)" = "$WANT" ] && echo '{"canary":{"value":1}}'`)
	stdin.Env = []string{`WANT={"wave":1,"start":"2030-01-01T12:00:00Z","end":"2030-01-01T12:00:10Z",` +
		`"canary":{"version":"v2","members":[{"name":"web-1","labels":{"zone":"a"},"since":"2030-01-01T11:59:00Z"}]},` +
		`"baseline":{"version":"v1","members":[{"name":"web-2"}]}}`}
	o, err := (&command.Report{Program: stdin}).Observe(t.Context(), w)
	require.NoError(t, err)
	require.Equal(t, analysis.Observation{At: w.End, Canary: analysis.Gauge(1)}, o)

	both := shell(`read line; case $line in "{\"arm\":\"$TIDEGATE_ARM\","*) [ $TIDEGATE_ARM = canary ] && echo 1 || echo 2;; esac`)
	o, err = (&command.Gauge{Program: both}).Observe(t.Context(), w)
	require.NoError(t, err)
	require.Equal(t, analysis.Observation{At: w.End, Canary: analysis.Gauge(1), Baseline: analysis.Gauge(2)}, o)
}

// The members of a large fleet fit.
func TestManyMembers(t *testing.T) {
	t.Parallel()
	w := exampleWindow()
	w.Baseline.Members = nil
	for range 20_000 {
		w.Baseline.Members = append(w.Baseline.Members, analysis.Member{Name: "web.example.com"})
	}
	o, err := (&command.Gauge{Program: shell("grep -o web.example.com | wc -l")}).Observe(t.Context(), w)
	require.NoError(t, err)
	require.Equal(t, 20_000.0, o.Baseline.Value)
}

func TestArms(t *testing.T) {
	t.Parallel()
	noBaseline, noCanary := exampleWindow(), exampleWindow()
	noBaseline.Baseline.Members, noCanary.Canary.Members = nil, nil
	number := shell("echo 1; [ $TIDEGATE_ARM = canary ]")
	for name, s := range map[string]analysis.Source{
		"gauge":  &command.Gauge{Program: number},
		"report": &command.Report{Program: shell(`echo '{"canary":{"value":1},"baseline":{"value":2}}'`)},
	} {
		o, err := s.Observe(t.Context(), noBaseline)
		require.NoError(t, err, name)
		require.Equal(t, analysis.Observation{At: noBaseline.End, Canary: analysis.Gauge(1)}, o, name)
		_, err = s.Observe(t.Context(), noCanary)
		require.ErrorIs(t, err, analysis.ErrNoData, name)
	}
	_, err := (&command.Gauge{Program: number}).Observe(t.Context(), exampleWindow())
	require.EqualError(t, err, "command: the baseline: sh: exit status 1")
	o, err := (&command.Gauge{Program: number, CanaryOnly: true}).Observe(t.Context(), exampleWindow())
	require.NoError(t, err)
	require.Zero(t, o.Baseline)
}

func TestFaults(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		program      command.Program
		err          string
		noData, exit bool
	}{
		"a status":              {program: shell("echo 1; echo broken >&2; exit 3"), err: `exit status 3 (it said "broken")`, exit: true},
		"a signal":              {program: shell("echo 1; kill -KILL $$"), err: "signal: killed", exit: true},
		"much to say":           {program: shell("yes | head -c 1000000 >&2; exit 1"), err: "exit status 1 (it said …", exit: true},
		"silence":               {program: shell("true"), err: "the program printed nothing", noData: true},
		"said to stderr":        {program: shell("echo 1 >&2"), err: "the program printed nothing", noData: true},
		"garbage":               {program: shell("head -c 5000 /dev/urandom"), err: "the program printed"},
		"HTML":                  {program: shell("echo '<html>Log in'"), err: `printed "<html>Log in"`},
		"truncated":             {program: shell(`printf '{"canary":{"val'`), err: "printed"},
		"endless":               {program: shell("exec cat /dev/zero"), err: "the output is too large"},
		"a little too much":     {program: command.Program{Args: []string{"echo", "123"}, MaxOutput: 3}, err: "the output is too large"},
		"not there":             {program: command.Program{Args: []string{"/no/such", "sesame"}}, err: "/no/such: no such file"},
		"secrets in arguments":  {program: command.Program{Args: []string{"false", "sesame"}, Env: []string{"KEY=sesame"}}, err: "false: exit status 1", exit: true},
		"a version with a zero": {program: command.Program{Args: []string{"echo", "\x00"}}, err: "Program.Args[1] holds a zero byte"},
		"leaves a child behind": {program: shell("sleep 600 & echo x"), err: `printed "x"`},
	} {
		for kind, s := range sources(test.program) {
			t.Run(name+"/"+kind, func(t *testing.T) {
				t.Parallel()
				o, err := s.Observe(t.Context(), exampleWindow())
				require.ErrorContains(t, err, test.err)
				require.True(t, strings.HasPrefix(err.Error(), "command: "), err)
				require.NotContains(t, err.Error(), "sesame")
				require.Less(t, len(err.Error()), 1500)
				require.Equal(t, test.noData, errors.Is(err, analysis.ErrNoData))
				var exit *exec.ExitError
				require.Equal(t, test.exit, errors.As(err, &exit))
				require.Zero(t, o)
			})
		}
	}
}

func TestHang(t *testing.T) {
	t.Parallel()
	stuck := shell("trap '' TERM; echo 1; sleep 600 & wait; sleep 600")
	stuck.Grace = 20 * time.Millisecond
	for kind, s := range sources(stuck) {
		ctx, cancel := context.WithTimeoutCause(t.Context(), 50*time.Millisecond, errors.New("the check's time is up"))
		o, err := s.Observe(ctx, exampleWindow())
		cancel()
		require.ErrorIs(t, err, context.DeadlineExceeded, kind)
		require.ErrorContains(t, err, "the check's time is up", kind)
		require.Zero(t, o, kind)
	}
}

func TestConcurrentObservations(t *testing.T) {
	t.Parallel()
	g := &command.Gauge{Program: shell("echo 7")}
	done := make(chan error)
	for range 8 {
		go func() {
			o, err := g.Observe(t.Context(), exampleWindow())
			if err == nil && !reflect.DeepEqual(o.Baseline, analysis.Gauge(7)) {
				err = errors.New("another's figure")
			}
			done <- err
		}()
	}
	for range 8 {
		require.NoError(t, <-done)
	}
}

func TestProblems(t *testing.T) {
	t.Parallel()
	for want, p := range map[string]command.Program{
		"":                                   {Args: []string{"/bin/true", "a b|c"}, Env: []string{"A=", "B=1=2"}},
		"Program.Args is empty":              {},
		"Program.Args is empty: there":       {Args: []string{""}},
		"Program.Args is one text":           {Args: []string{"wc -l"}},
		"Program.Args[1] holds a zero byte":  {Args: []string{"echo", "\x00"}},
		"Program.Env[0] is malformed (not":   {Args: []string{"a"}, Env: []string{"sesame"}},
		"Program.Env[1] is malformed":        {Args: []string{"a"}, Env: []string{"A=1", "=x"}},
		`Program.Env[0] sets "TIDEGATE_ARM"`: {Args: []string{"a"}, Env: []string{"TIDEGATE_ARM=x"}},
		"Program.Grace is negative (-1s)":    {Args: []string{"a"}, Grace: -time.Second},
		"Program.MaxOutput is negative":      {Args: []string{"a"}, MaxOutput: -1},
	} {
		for kind, s := range sources(p) {
			var all []string
			s.(analysis.Problemer).Problems(func(path, msg string) { all = append(all, path+" "+msg) })
			if want == "" {
				require.Empty(t, all, kind)
				continue
			}
			require.Len(t, all, 1, kind)
			require.Contains(t, all[0], want)
			require.NotContains(t, all[0], "sesame")
			_, err := s.Observe(t.Context(), exampleWindow())
			require.ErrorContains(t, err, want, "nor does it run")
		}
	}
}
