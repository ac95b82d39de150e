package scrape

// reading is what one page says of what a source is after.
type reading struct {
	groups []group
	// bounds are the finite boundaries of a histogram's buckets, increasing; nil
	// if it has no series yet, or for counters.
	bounds []float64
	start  float64 // process_start_time_seconds, 0 if it is not there
}

// group holds values by series. A series has one value if it is a counter; if it
// is a histogram, one for each bucket and one for what is beyond them, each the
// number of events in that bucket alone. The values of a series only go up, and
// restart together.
type group map[string][]uint64

// advance returns how many events lie between two readings, and adds to now the
// series that are gone from it.
func advance(last, now group) (sum []uint64) {
	for series, values := range now {
		before := last[series]
		if lower(values, before) {
			before = nil // a restart: it counts from zero again
		}
		for len(sum) < len(values) {
			sum = append(sum, 0)
		}
		for i, v := range values {
			if before != nil {
				v -= before[i]
			}
			sum[i] += v
		}
	}
	for series, before := range last {
		if _, here := now[series]; !here {
			now[series] = before
		}
	}
	return sum
}

func anyLower(last, now group) bool {
	for series, values := range now {
		if lower(values, last[series]) {
			return true
		}
	}
	return false
}

// lower tells whether any value is less than it was before. There may be none
// before.
func lower(values, before []uint64) bool {
	for i, v := range before {
		if values[i] < v {
			return true
		}
	}
	return false
}

func union(a, b group) int {
	n := len(b)
	for series := range a {
		if _, both := b[series]; !both {
			n++
		}
	}
	return n
}

// sums are values added up over the series of each group. A group without series
// may have none.
type sums [][]uint64

// plus adds up two sums, value by value.
func (s sums) plus(more sums) sums {
	all := make(sums, max(len(s), len(more)))
	for _, part := range []sums{s, more} {
		for i, values := range part {
			for len(all[i]) < len(values) {
				all[i] = append(all[i], 0)
			}
			for j, v := range values {
				all[i][j] += v
			}
		}
	}
	return all
}

// at returns one value, 0 if there are none.
func (s sums) at(group, value int) uint64 {
	if group >= len(s) || value >= len(s[group]) {
		return 0
	}
	return s[group][value]
}
