package rollback

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

var day0 = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)

// hour makes times short to write.
func hour(h int) time.Time { return day0.Add(time.Duration(h) * time.Hour) }

func ran(h int, version string) fact {
	return fact{Kind: factDeployed, At: hour(h), Service: "s", Version: version, Rollout: fmt.Sprint(version, "@", h)}
}

func ofBytes(h int, version, digit string) fact {
	return fact{Kind: factArtifact, At: hour(h), Service: "s", Version: version, Rollout: fmt.Sprint(version, "@", h), SHA256: repeated(digit), Bytes: 1}
}

func repeated(digit string) (s string) {
	for range 64 {
		s += digit
	}
	return s
}

func bad(h int, version string) fact {
	return fact{Kind: factBad, At: hour(h), Service: "s", Version: version, Actor: "a", Reason: "r"}
}

func cleared(h int, version string) fact {
	return fact{Kind: factCleared, At: hour(h), Service: "s", Version: version, Actor: "a", Reason: "r"}
}

func folded(t require.TestingT, facts ...fact) *ledger {
	l := &ledger{}
	require.NoError(t, l.take(fact{Kind: factRegistry, Format: registryFormat, At: day0}))
	for _, f := range facts {
		require.NoError(t, l.take(f))
	}
	return l
}

func ids(known []Version) (all []string) {
	for _, v := range known {
		all = append(all, v.ID)
	}
	return all
}

func TestWhatIsKnownToBeGood(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		facts []fact
		at    int
		want  []string
	}{
		"nothing was deployed":                  {nil, 100, nil},
		"not yet":                               {[]fact{ran(0, "a")}, 23, nil},
		"to the hour":                           {[]fact{ran(0, "a")}, 24, []string{"a"}},
		"replaced just in time":                 {[]fact{ran(0, "a"), ran(24, "b")}, 25, []string{"a"}},
		"replaced before its time was up":       {[]fact{ran(0, "a"), ran(23, "b")}, 100, []string{"b"}},
		"two short stays are no long one":       {[]fact{ran(0, "a"), ran(20, "b"), ran(21, "a"), ran(41, "c")}, 42, nil},
		"deployed again is one stay":            {[]fact{ran(0, "a"), ran(20, "a")}, 24, []string{"a"}},
		"newest first, each once":               {[]fact{ran(0, "a"), ran(30, "b"), ran(60, "a"), ran(90, "b")}, 91, []string{"a", "b"}},
		"what comes later is left out":          {[]fact{ran(0, "a"), ran(30, "b")}, 29, []string{"a"}},
		"told late":                             {[]fact{ran(0, "a"), ran(50, "c"), ran(20, "b")}, 50, []string{"b"}},
		"at the same time the last one counts":  {[]fact{ran(0, "a"), ran(0, "b")}, 24, []string{"b"}},
		"bad":                                   {[]fact{ran(0, "a"), bad(1, "a")}, 24, nil},
		"bad long after":                        {[]fact{ran(0, "a"), ran(30, "b"), bad(99, "a")}, 60, []string{"b"}},
		"bad, and deployed all the same":        {[]fact{bad(0, "a"), ran(1, "a")}, 50, nil},
		"cleared":                               {[]fact{ran(0, "a"), bad(1, "a"), cleared(2, "a")}, 50, nil},
		"cleared and deployed anew":             {[]fact{ran(0, "a"), bad(1, "a"), cleared(2, "a"), ran(3, "a")}, 27, []string{"a"}},
		"cleared and deployed anew, too early":  {[]fact{ran(0, "a"), bad(1, "a"), cleared(2, "a"), ran(3, "a")}, 26, nil},
		"deployed while it was bad":             {[]fact{bad(0, "a"), ran(1, "a"), cleared(2, "a")}, 50, nil},
		"told after it was cleared, but before": {[]fact{bad(5, "a"), cleared(6, "a"), ran(1, "a")}, 50, nil},
		"another version is bad":                {[]fact{ran(0, "a"), bad(1, "b")}, 24, []string{"a"}},
		"the same bytes":                        {[]fact{ran(0, "a"), ofBytes(0, "a", "1"), ran(20, "a"), ofBytes(20, "a", "1")}, 24, []string{"a"}},
		"other bytes":                           {[]fact{ran(0, "a"), ofBytes(0, "a", "1"), ran(20, "a"), ofBytes(20, "a", "2")}, 43, nil},
		"other bytes, proven themselves":        {[]fact{ran(0, "a"), ofBytes(0, "a", "1"), ran(20, "a"), ofBytes(20, "a", "2")}, 44, []string{"a"}},
		"other bytes, after it was proven":      {[]fact{ran(0, "a"), ofBytes(0, "a", "1"), ran(30, "a"), ofBytes(30, "a", "2")}, 40, nil},
		"bytes that nobody knows at first":      {[]fact{ran(0, "a"), ran(20, "a"), ofBytes(20, "a", "2")}, 24, []string{"a"}},
		"the bytes of a deployment stay":        {[]fact{ran(0, "a"), ofBytes(0, "a", "1"), ofBytes(0, "a", "2")}, 24, []string{"a"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, row.want, ids(folded(t, row.facts...).knownGood("s", hour(row.at), 24*time.Hour)))
		})
	}
}

func TestFactsThatCannotBe(t *testing.T) {
	t.Parallel()
	for want, f := range map[string]fact{
		"only the first line may":              {Kind: factRegistry, Format: registryFormat},
		"no service, no version or no time":    {Kind: factBad, At: day0, Version: "a", Actor: "a", Reason: "r"},
		"without a rollout":                    {Kind: factDeployed, At: day0, Service: "s", Version: "a"},
		"of what was not deployed":             ofBytes(0, "a", "1"),
		"no actor or no reason":                {Kind: factBad, At: day0, Service: "s", Version: "a", Actor: "a"},
		"clears what is not marked bad":        cleared(0, "a"),
		`a kind that is not known here, "bun"`: {Kind: "bun", At: day0, Service: "s", Version: "a"},
	} {
		require.ErrorContains(t, folded(t).take(f), want)
	}
	require.ErrorContains(t, new(ledger).take(ran(0, "a")), "only the first line may, and must")
	require.ErrorContains(t, new(ledger).take(fact{Kind: factRegistry, Format: 2}), "a newer version may have written it")
}

// Whatever happened, it is what a slow reading of the rules says: a version is known to
// be good if, from one of its deployments on that counts, nothing else ran for as long as
// the bake, and it is not bad.
func TestKnownGoodAgreesWithASlowReadingOfTheRules(t *testing.T) {
	t.Parallel()
	const bake = 5
	rapid.Check(t, func(t *rapid.T) {
		l := folded(t)
		type deployed struct {
			version    string
			at, number int
		}
		var runs []deployed
		marks := map[string][]deployed{}
		isBad := map[string]bool{}
		for n := range rapid.IntRange(0, 30).Draw(t, "facts") {
			version := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "version")
			at := rapid.IntRange(0, 40).Draw(t, "at")
			now := deployed{version, at, n}
			switch rapid.IntRange(0, 5).Draw(t, "kind") {
			case 0:
				require.NoError(t, l.take(bad(at, version)))
				marks[version], isBad[version] = append(marks[version], now), true
			case 1:
				if !isBad[version] {
					continue // there is no such line
				}
				require.NoError(t, l.take(cleared(at, version)))
				marks[version], isBad[version] = append(marks[version], now), false
			default:
				require.NoError(t, l.take(ran(at, version)))
				if !slices.ContainsFunc(runs, func(d deployed) bool { return d.version == version && d.at == at }) {
					runs = append(runs, now)
				}
			}
		}
		at := rapid.IntRange(0, 60).Draw(t, "asked at")
		good := func(version string) bool {
			return !isBad[version] && slices.ContainsFunc(runs, func(d deployed) bool {
				void := slices.ContainsFunc(marks[version], func(m deployed) bool { return m.number > d.number || m.at >= d.at })
				replaced := slices.ContainsFunc(runs, func(o deployed) bool {
					after := o.at > d.at || o.at == d.at && o.number > d.number
					return after && o.version != version && o.at < d.at+bake
				})
				return d.version == version && !void && !replaced && d.at+bake <= at
			})
		}
		known := l.knownGood("s", hour(at), bake*time.Hour)
		for _, version := range []string{"a", "b", "c"} {
			require.Equal(t, good(version), slices.Contains(ids(known), version), version)
		}
		require.True(t, slices.IsSortedFunc(known, func(x, y Version) int { return y.Deployed.Compare(x.Deployed) }))
		for _, v := range known {
			require.GreaterOrEqual(t, v.Stayed, bake*time.Hour)
			require.False(t, v.Deployed.Add(v.Stayed).After(hour(at)))
		}
	})
}
