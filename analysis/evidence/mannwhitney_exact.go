package evidence

import "math"

// exactWork is how many additions an exact p-value may take: some milliseconds.
const exactWork = 1 << 22

// Exact returns the p-value of the permutation test: the part of all ways to deal
// the values to samples of these sizes that give a U at least as extreme. TwoSided
// is twice the smaller of the one-sided p-values, but at most 1.
//
// Without ties the ways are the coefficients of a Gaussian binomial (Mann &
// Whitney 1947), which takes mn·min(m,n) steps: up to 161 values against 161. With
// ties it goes through the groups of tied values, and takes 2(m+n)²·min(m,n)²: up
// to 26 against 26. Beyond that, and where U is undefined, it returns false.
func (t MannWhitney) Exact(alternative Alternative) (p float64, ok bool) {
	if t.m == 0 || alternative > Less {
		return math.NaN(), false
	}
	var less, greater float64
	if t.groups == nil {
		less, greater, ok = t.tails()
	} else {
		less, greater, ok = t.tiedTails()
	}
	if !ok {
		return math.NaN(), false
	}
	switch alternative {
	case Greater:
		return min(1, greater), true
	case Less:
		return min(1, less), true
	default:
		return min(1, 2*min(less, greater)), true
	}
}

// tails returns P(U' ≤ U) and P(U' ≥ U) without ties.
func (t MannWhitney) tails() (less, greater float64, ok bool) {
	u, most := int(t.twice)/2, t.m*t.n
	tail, rest := min(u, most-u), 0.0
	ways, ok := uWays(t.m, t.n, tail)
	if !ok {
		return 0, 0, false
	}
	for _, w := range ways[:tail] {
		rest += w
	}
	all := choose(t.m+t.n, t.m)
	less, greater = (rest+ways[tail])/all, 1-rest/all
	if u > most-u {
		less, greater = greater, less
	}
	return less, greater, true
}

// uWays counts in how many ways m values of x and n of y, all different, can be
// ordered to give a U of 0, 1, … last. They are the coefficients of
//
//	Π (1−q^(n+i)) / (1−qⁱ)    i = 1 … min(m,n)
//
// It is false when that is too much work.
func uWays(m, n, last int) ([]float64, bool) {
	m, n = min(m, n), max(m, n)
	if float64(m)*float64(m)*float64(n) > exactWork {
		return nil, false
	}
	ways := make([]float64, last+1)
	ways[0] = 1
	for i := 1; i <= m; i++ {
		for u := last; u >= n+i; u-- {
			ways[u] -= ways[u-n-i]
		}
		for u := i; u <= last; u++ {
			ways[u] += ways[u-i]
		}
	}
	return ways, true
}

// tiedTails returns P(U' ≤ U) and P(U' ≥ U) with ties. It counts in how many ways
// the smaller sample can get a sum of ranks, group by group. Ranks are doubled,
// so that mid-ranks are whole.
func (t MannWhitney) tiedTails() (less, greater float64, ok bool) {
	k, all := min(t.m, t.n), t.m+t.n
	if 2*math.Pow(float64(k)*float64(all), 2) > exactWork {
		return 0, 0, false
	}
	width := 2*k*all + 1
	ways := make([]float64, (k+1)*width) // [values dealt to the sample][their doubled ranks]
	ways[0] = 1
	first := 1 // rank of the group's first value
	for _, size := range t.groups {
		rank := 2*first + size - 1
		first += size
		for dealt := k; dealt > 0; dealt-- {
			for more := 1; more <= min(size, dealt); more++ {
				c := choose(size, more)
				to, from := ways[dealt*width:][:width], ways[(dealt-more)*width:][:width]
				for sum := more * rank; sum < width; sum++ {
					to[sum] += c * from[sum-more*rank]
				}
			}
		}
	}
	twice := t.twice // of the smaller sample
	if t.n < t.m {
		twice = 2*float64(t.m)*float64(t.n) - t.twice
	}
	seen := int(twice) + k*(k+1)
	for sum, w := range ways[k*width:] {
		if sum <= seen {
			less += w
		}
		if sum >= seen {
			greater += w
		}
	}
	total := choose(all, k)
	less, greater = less/total, greater/total
	if t.n < t.m {
		less, greater = greater, less
	}
	return less, greater, true
}

// choose returns the binomial coefficient n over k.
func choose(n, k int) float64 {
	k = min(k, n-k)
	c := 1.0
	for i := 1; i <= k; i++ {
		c = c * float64(n-k+i) / float64(i)
	}
	return c
}
