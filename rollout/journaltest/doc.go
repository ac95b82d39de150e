// Package journaltest checks that a rollout.Journal keeps its promises. A
// rollout is only as safe as its journal, so whoever writes one (over a
// database, an object store, a consensus service) should run it through here:
//
//	func TestJournalConforms(t *testing.T) {
//		journaltest.Run(t, func(t testing.TB) rollout.Journal {
//			return mydb.NewJournal(openTestDB(t))
//		})
//	}
//
// Each failure says what happened and which rule that breaks, and why the rule
// is there. A journal that can also simulate the loss of its lease implements
// Stealer, and is checked for fencing too; one that can simulate the death of its
// process implements Crasher, and is checked for what survives that.
package journaltest
