package kayenta

// ClassifyByMeans compares the means alone: High or Low if they differ at all in a
// direction that counts, Nodata if a side has no points. Kayenta has it to compare
// judges with, and its judge does not use it. It flags every release.
func ClassifyByMeans(direction Direction, experiment, control []float64) Label {
	e, c := Summarize(experiment), Summarize(control)
	switch {
	case e.Count == 0 || c.Count == 0:
		return Nodata
	case e.Mean > c.Mean:
		if direction != Decrease {
			return High
		}
	case e.Mean < c.Mean:
		if direction != Increase {
			return Low
		}
	case e.Mean != c.Mean: // NaN
		return Error
	}
	return Pass
}
