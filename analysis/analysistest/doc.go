// Package analysistest checks that an analysis.Source keeps its promises. A gate
// believes what its sources say, so whoever writes one (over a metrics service, a
// log, a database) should run it through here:
//
//	func TestSourceConforms(t *testing.T) {
//		analysistest.TestSource(t, func(t testing.TB) analysistest.Rig {
//			api := newFakeAPI(t) // a server of one's own, such as an httptest.Server
//			return analysistest.Rig{
//				Source:  &mymetrics.Source{URL: api.URL},
//				Traffic: api.traffic, // makes some, and says how much
//				Break:   api.fail,    // answers 503 from now on
//				Hang:    api.hang,    // answers no more
//			}
//		})
//	}
//
// Only the Source is required. Each hook that a [Rig] has lets more rules be
// checked, and those that could not be are shown as skipped.
//
// Each failure says what happened and which rule that breaks, and why the rule is
// there. What a source can do besides (analysis.Problemer, Exclusive,
// Preflighter, Historian) is found by type assertion, and has rules of its own. Run
// the test with -race: concurrent use is one of the rules.
package analysistest
