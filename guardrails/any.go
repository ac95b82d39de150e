package guardrails

// Any makes one guard of several kill switches, such as one for the company, one for
// the service and one for the rollout: it is tripped when any of them is, and a Halt
// matters more than a Rollback. It is All for switches. Each is watched, tripped and
// reset by itself. An empty Any, and a nil switch, refuse everything.
//
// Where one switch with one way to reset it will do, give that one several Sources.
func Any(switches ...*KillSwitch) Guard {
	guards := make([]Guard, len(switches))
	for i, s := range switches {
		if s != nil { // a nil *KillSwitch in a Guard would not be nil
			guards[i] = s
		}
	}
	return All(guards...)
}
