package evidence

import "math"

// narrow is the largest number of steps between the least and the most canary
// events for which the sums are taken over all of them at once.
const narrow = 128

// logMGFs computes ln M(ψ) for each odds ratio ψ in psi, the largest of them
// last, into out, where
//
//	M(ψ) = Σₖ h(k) ψᵏ,   h(k) = C(n_c,k) C(n_b,E−k) / C(N,E)
//
// is the moment generating function of the hypergeometric number of canary
// events at ln ψ, and the normalising constant of Fisher's noncentral
// hypergeometric distribution. logs holds ln ψ.
//
// h is never computed itself. Its terms are known up to a constant from their
// ratios, and the constant follows from M(1) = 1. That avoids the log-gamma
// function, which is slow, and loses digits to cancellation in large counts.
// The error is below 1e-10, or 1e-12 of the result where that is more.
func (m *margins) logMGFs(psi, logs, out []float64) {
	steps := m.most - m.least
	// e⁵⁰⁰ leaves room on both sides, for terms that are very small or large.
	if steps > narrow || steps*logs[len(logs)-1] > 500 || !m.sumAll(psi, logs, out) {
		m.sumAround(psi, logs, out)
	}
}

// sumAll sums over every possible k, which is fastest for few events: the
// ratios are computed once for all ψ. It is false when a sum overflows.
func (m *margins) sumAll(psi, logs, out []float64) bool {
	var terms [narrow + 1]float64
	n, term, one := 0, 1.0, 0.0
	for k := m.least; ; k++ {
		terms[n] = term
		n++
		one += term
		// A term this small cannot be felt in a sum that is at least 1, even
		// when it is multiplied with ψᵏ below.
		if term *= m.ratio(k); k >= m.most || term < 1e-290 {
			break
		}
	}
	shift := -math.Log(one)
	for at := 0; at < len(psi); at += lanes {
		var points, sums [lanes]float64
		count := copy(points[:], psi[at:])
		horner(terms[:n], &points, &sums)
		for i, sum := range sums[:count] {
			if sum > math.MaxFloat64 {
				return false
			}
			out[at+i] = math.Log(sum) + m.least*logs[at+i] + shift
		}
	}
	return one <= math.MaxFloat64
}

// lanes is how many polynomials are evaluated side by side: a single one would
// leave the processor waiting for its own last result.
const lanes = 7

// horner evaluates the polynomial with the coefficients c at each of the points.
func horner(c []float64, points, sums *[lanes]float64) {
	p, q, r, s, t, u, v := points[0], points[1], points[2], points[3], points[4], points[5], points[6]
	var a, b, d, e, f, g, h float64
	for i := len(c) - 1; i >= 0; i-- {
		k := c[i]
		a, b, d, e, f, g, h = a*p+k, b*q+k, d*r+k, e*s+k, f*t+k, g*u+k, h*v+k
	}
	*sums = [lanes]float64{a, b, d, e, f, g, h}
}

// sumAround sums outwards from the mode of each distribution, and walks from
// mode to mode: as many terms as some 17 standard deviations, however many
// events there are.
func (m *margins) sumAround(psi, logs, out []float64) {
	at := m.mode(1)
	height := -math.Log(m.sumFrom(at, 1)) // ln h(at)
	for i, p := range psi {
		k := m.mode(p)
		height += m.logRatio(at, k)
		at = k
		out[i] = height + k*logs[i] + math.Log(m.sumFrom(k, p))
	}
}

// sumFrom is Σⱼ h(j)ψʲ / h(k)ψᵏ over all j.
func (m *margins) sumFrom(k, psi float64) float64 {
	const negligible = 1e-17
	sum := 1.0
	term := 1.0
	for j := k; j < m.most; j++ {
		term *= psi * m.ratio(j)
		sum += term
		if term < negligible*sum {
			break
		}
	}
	term = 1
	for j := k - 1; j >= m.least; j-- {
		term /= psi * m.ratio(j)
		sum += term
		if term < negligible*sum {
			break
		}
	}
	return sum
}

// mode is the most likely number of canary events at an odds ratio: the root of
// h(k+1)ψ = h(k), rounded down (Liao & Rosen 2001).
func (m *margins) mode(psi float64) float64 {
	a := 1 - psi
	b := psi*(m.canary+m.events+2) + m.baseline - m.events
	c := -psi * (m.canary + 1) * (m.events + 1)
	root := math.Sqrt(max(0, b*b-4*a*c))
	k := 0.0
	if b >= 0 {
		k = -2 * c / (b + root)
	} else {
		k = (root - b) / (2 * a)
	}
	return min(max(math.Floor(k), m.least), m.most)
}

// logRatio is ln h(to)/h(from).
func (m *margins) logRatio(from, to float64) float64 {
	const far = 1 << 12
	switch {
	case to < from:
		return -m.logRatio(to, from)
	case to-from > far:
		d := m.baseline - m.events
		return logFactorials(to, from) + logFactorials(m.canary-to, m.canary-from) +
			logFactorials(m.events-to, m.events-from) + logFactorials(d+to, d+from)
	}
	sum, product := 0.0, 1.0
	for k := from; k < to; k++ {
		if product *= m.ratio(k); product < 1e-250 || product > 1e250 {
			sum += math.Log(product)
			product = 1
		}
	}
	return sum + math.Log(product)
}

// logFactorials is ln b!/a!, from Stirling's series where both are large: the
// difference of two log-gammas would lose its digits.
func logFactorials(a, b float64) float64 {
	const large = 32
	if a < large || b < large {
		x, _ := math.Lgamma(a + 1)
		y, _ := math.Lgamma(b + 1)
		return y - x
	}
	rest := func(n float64) float64 { return (1.0/12 - (1.0/360-1.0/1260/(n*n))/(n*n)) / n }
	return (b-a)*(math.Log(b)-1) + (a+0.5)*math.Log1p((b-a)/a) + rest(b) - rest(a)
}
