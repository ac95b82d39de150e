package simulate_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/rollout/simulate"
)

var (
	bugs = flag.Bool("bugs", false, "build every bug of testdata/bugs into the code, and see that the simulation finds it")
	hunt = flag.Int("hunt", 0, "how many random rollouts may be simulated to find a broken rule; 0 is for all but TestEveryBugIsFound")
)

// A checker that finds nothing proves nothing, unless it is known to bite. Each file of
// testdata/bugs is a deliberate bug: what to replace in the code with what. Nothing of
// it is in the code itself: the bug is built in as an overlay. The simulation must find
// every one, as one of the rules that the file names.
//
//	go test ./rollout/simulate -run EveryBug -v -args -bugs
func TestEveryBugIsFound(t *testing.T) {
	files, err := filepath.Glob("testdata/bugs/*.txt")
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(files), 15)
	root, err := filepath.Abs("../..")
	require.NoError(t, err)
	found, ran := make(map[string]bool), make(map[string]bool)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			b := readBug(t, file)
			overlay := b.overlay(t, root) // fails where the code is not what it was
			if !*bugs {
				return
			}
			bin := filepath.Join(t.TempDir(), "simulate.test")
			build := exec.Command("go", "test", "-c", "-overlay", overlay, "-o", bin, ".")
			out, err := build.CombinedOutput()
			require.NoError(t, err, "%s", out)
			out, err = exec.Command(bin, "-test.run", "^TestHunt$", "-test.v", "-hunt", "100000").CombinedOutput()
			require.NoError(t, err, "not found: %s\n%s", b.why, out)
			rule := regexp.MustCompile(`found (\S+) .*`).FindStringSubmatch(string(out))
			require.NotNil(t, rule, "%s", out)
			require.Contains(t, b.rules, rule[1], "%s", out)
			found[rule[1]], ran[file] = true, true
			t.Logf("%s: %s", b.why, rule[0])
		})
	}
	if len(ran) == len(files) && !t.Failed() { // not if -run picked some
		for n := 1; n <= 10; n++ {
			rule := fmt.Sprintf("I%d", n)
			require.True(t, found[rule], "no bug was found as %s", rule)
		}
	}
}

// TestHunt looks for a random rollout that breaks a rule. It is what TestEveryBugIsFound
// runs with a bug built in.
func TestHunt(t *testing.T) {
	if *hunt == 0 {
		return
	}
	var next atomic.Uint64
	var mu sync.Mutex
	first, line := uint64(*hunt)+1, "" // the lowest seed, whoever is faster
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for {
				seed := next.Add(1)
				mu.Lock()
				over := seed >= first
				mu.Unlock()
				if over {
					return
				}
				if _, err := simulate.Random(seed).Run(); err != nil {
					mu.Lock()
					if seed < first {
						first, line = seed, fmt.Sprintf("found %s in rollout %d: %v", simulate.Rule(err), seed, err)
					}
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	if line != "" {
		t.Log(line)
		return
	}
	t.Fatalf("%d rollouts, and no rule was broken", *hunt)
}

// bug is a deliberate bug.
type bug struct {
	file  string
	why   string
	rules []string
	edits []edit
}

// edit is what to replace in a file.
type edit struct{ file, old, new string }

var (
	section  = regexp.MustCompile(`(?s)-- (\S+) --\n<<<<\n(.*?)\n====\n(.*?)\n>>>>\n`)
	headline = regexp.MustCompile(`(?s)^(.*?)\n\nfound as: (.*?)\n`)
)

func readBug(t *testing.T, file string) bug {
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	head := headline.FindSubmatch(data)
	require.NotNil(t, head, "%s has no headline", file)
	b := bug{file: file, why: string(head[1]), rules: strings.Fields(string(head[2]))}
	for _, s := range section.FindAllStringSubmatch(string(data), -1) {
		b.edits = append(b.edits, edit{s[1], s[2], s[3]})
	}
	require.NotEmpty(t, b.edits, "%s changes nothing", file)
	return b
}

// overlay writes the changed files, and the file that go's -overlay wants.
func (b bug) overlay(t *testing.T, root string) string {
	dir := t.TempDir()
	changed := make(map[string]string) // by path: the text
	var paths []string
	for _, e := range b.edits {
		path := filepath.Join(root, e.file)
		if _, ok := changed[path]; !ok {
			data, err := os.ReadFile(path)
			require.NoError(t, err)
			changed[path] = string(data)
			paths = append(paths, path)
		}
		require.Equal(t, 1, strings.Count(changed[path], e.old), "%s: %s is not what it was: what is to be replaced has to be there once\n%s", b.file, e.file, e.old)
		changed[path] = strings.Replace(changed[path], e.old, e.new, 1)
	}
	replace := make(map[string]string)
	for i, path := range paths {
		to := filepath.Join(dir, fmt.Sprintf("%d-%s", i, filepath.Base(path)))
		require.NoError(t, os.WriteFile(to, []byte(changed[path]), 0o600))
		replace[path] = to
	}
	data, err := json.Marshal(map[string]any{"Replace": replace})
	require.NoError(t, err)
	file := filepath.Join(dir, "overlay.json")
	require.NoError(t, os.WriteFile(file, data, 0o600))
	return file
}
