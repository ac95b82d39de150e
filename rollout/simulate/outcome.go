package simulate

import "time"

// deploys says how carrying out a step comes out.
func (s *sim) deploys(step string) Outcome {
	o := Outcome{Takes: time.Second}
	if s.world.Do != nil {
		o = s.world.Do(s.rand, step)
	}
	return s.spoil(o, DeployFails)
}

// undoes says how undoing a step comes out.
func (s *sim) undoes(step string) Outcome {
	o := Outcome{Takes: time.Second}
	if s.world.Undo != nil {
		o = s.world.Undo(s.rand, step)
	}
	return s.spoil(o, UndoFails)
}

// spoil lets a step go wrong in one of four ways, the first of which is given.
func (s *sim) spoil(o Outcome, first Fault) Outcome {
	switch {
	case s.hit(first):
		o.Err, o.Effect = "the disk is full", false
	case s.hit(first + 1):
		o.Err, o.Effect = "the connection was lost", true
	case s.hit(first + 2):
		o.Hangs, o.Effect = true, s.rand.IntN(2) == 0
	case s.hit(first + 3):
		o.Late = s.upTo(20*time.Minute) + 1
	}
	return o
}

// mitigates says how a mitigation, or the page, comes out.
func (s *sim) mitigates(name string) Outcome {
	o := Outcome{Takes: time.Second}
	if s.world.Mitigate != nil {
		o = s.world.Mitigate(s.rand, name)
	}
	switch {
	case s.hit(MitigationFails):
		o.Err = "it does not work"
	case s.hit(MitigationHangs):
		o.Hangs = true
	}
	return o
}
