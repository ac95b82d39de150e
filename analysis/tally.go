package analysis

// add sums up one more sample of an arm. A sample without data changes nothing.
func (s *Summary) add(o Sample) {
	figure, ok := o.Figure()
	switch {
	case !ok:
	case o.Kind == CountKind:
		s.Events += min(o.Events, o.Total)
		s.Total += o.Total
		s.Rate = float64(s.Events) / float64(s.Total)
	default:
		s.Rate = figure
	}
}

// count adds events among a total.
func (s *Summary) count(events, total uint64) {
	s.Events += events
	s.Total += total
	if s.Total > 0 {
		s.Rate = float64(s.Events) / float64(s.Total)
	}
}
