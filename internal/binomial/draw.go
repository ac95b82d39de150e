package binomial

import (
	"math"
	"math/rand/v2"
)

// Draw returns how many of n independent trials succeed, each with probability p. A p
// outside of 0 to 1 counts as the nearer of the two, NaN as 0.
func Draw(rng *rand.Rand, n uint64, p float64) uint64 {
	switch {
	case n == 0 || !(p > 0):
		return 0
	case p >= 1:
		return n
	case p > 0.5:
		return n - below(rng, n, 1-p)
	}
	return below(rng, n, p)
}

// below is Draw for p of up to a half.
func below(rng *rand.Rand, n uint64, p float64) uint64 {
	const few = 10 // successes: below that, the hat of reject does not fit
	if float64(n)*p < few {
		return invert(rng, n, p)
	}
	return reject(rng, float64(n), p)
}

// invert goes up the distribution function from 0, which takes np steps.
func invert(rng *rand.Rand, n uint64, p float64) uint64 {
	for {
		u, odds := rng.Float64(), p/(1-p)
		mass := math.Exp(float64(n) * math.Log1p(-p)) // of k, above e⁻²⁰
		for k := range n + 1 {
			if u < mass {
				return k
			}
			u -= mass
			mass *= odds * float64(n-k) / float64(k+1)
			if mass == 0 {
				break // u lies in what rounding has lost: again
			}
		}
	}
}

// reject is transformed rejection with a squeeze (Hörmann 1993, algorithm BTRS): a
// point under a hat, which is accepted with the probability that makes it exact.
func reject(rng *rand.Rand, n, p float64) uint64 {
	q := 1 - p
	deviation := math.Sqrt(n * p * q)
	b := 1.15 + 2.53*deviation
	a := -0.0873 + 0.0248*b + 0.01*p
	c := n*p + 0.5
	surely := 0.92 - 4.2/b
	for {
		u, v := rng.Float64()-0.5, rng.Float64()
		room := 0.5 - math.Abs(u)
		k := math.Floor((2*a/room+b)*u + c)
		if room >= 0.07 && v <= surely {
			return uint64(k)
		}
		if k < 0 || k > n || room == 0 {
			continue
		}
		mode := math.Floor((n + 1) * p)
		v *= (2.83 + 5.1/b) * deviation / (a/(room*room) + b)
		if math.Log(v) <= logChoose(n, k)-logChoose(n, mode)+(k-mode)*math.Log(p/q) {
			return uint64(k)
		}
	}
}

// logChoose is the logarithm of the number of ways to choose k of n, less one that
// depends on n alone.
func logChoose(n, k float64) float64 {
	a, _ := math.Lgamma(k + 1)
	b, _ := math.Lgamma(n - k + 1)
	return -a - b
}
