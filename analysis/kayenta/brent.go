package kayenta

import "math"

const (
	rootTolerance  = 1e-4 // absolute, in the units of the metric, as in Kayenta
	rootIterations = 1000
)

// brent finds where f changes its sign between low and high (Brent 1973, chapter
// 4), to within rootTolerance. It keeps b, the best root so far; a, the one before;
// and c, so that the sign changes between b and c. It is false where f is.
//
// As f is a step function here, the answer depends on every step of the way, and
// they are all as Kayenta takes them.
func brent(f func(float64) (float64, bool), low, high float64) (float64, bool) {
	fLow, ok := f(low)
	fHigh, also := f(high)
	switch {
	case !ok || !also:
		return 0, false
	case fLow == 0:
		return low, true
	case fHigh == 0:
		return high, true
	}
	a, b, c := low, high, low
	fa, fb, fc := fLow, fHigh, fLow
	for range rootIterations {
		previous := b - a
		if math.Abs(fc) < math.Abs(fb) {
			a, b, c = b, c, b
			fa, fb, fc = fb, fc, fb
		}
		least := 2*epsilon*math.Abs(b) + rootTolerance/2
		step := (c - b) / 2
		if math.Abs(step) <= least || fb == 0 {
			return b, true
		}
		if math.Abs(previous) >= least && math.Abs(fa) > math.Abs(fb) {
			p, q := interpolate(a, b, c, fa, fb, fc)
			if p < 0.75*(c-b)*q-math.Abs(least*q)/2 && p < math.Abs(previous*q/2) {
				step = p / q
			}
		}
		if math.Abs(step) < least {
			if step > 0 {
				step = least
			} else {
				step = -least
			}
		}
		a, fa = b, fb
		b += step
		if fb, ok = f(b); !ok {
			return 0, false
		}
		if fb > 0 && fc > 0 || fb < 0 && fc < 0 {
			c, fc = a, fa
		}
	}
	return b, true
}

const epsilon = 0x1p-52

// interpolate returns the step p/q from b to where the function would be 0 if it
// were a line, or its inverse a parabola. p is not negative.
func interpolate(a, b, c, fa, fb, fc float64) (p, q float64) {
	if a == c {
		r := fb / fa
		p, q = (c-b)*r, 1-r
	} else {
		s, t, u := fa/fc, fb/fc, fb/fa
		p = u * ((c-b)*s*(s-t) - (b-a)*(t-1))
		q = (s - 1) * (t - 1) * (u - 1)
	}
	if p > 0 {
		return p, -q
	}
	return -p, q
}
