package main

import (
	"hash/fnv"
	"sync/atomic"
)

// faults decides which requests fail: each independently of the others, with
// one probability, as the toss of a coin. The coin is a hash of what is asked,
// so that the same server with the same version fails the same requests in every
// run, and the demo comes out the same.
type faults struct {
	rate float64
	seed uint64
	n    atomic.Uint64
}

func newFaults(seed uint64, server, version string, rate float64) *faults {
	h := fnv.New64a()
	h.Write([]byte(server + "/" + version))
	return &faults{rate: rate, seed: mix(seed) ^ h.Sum64()}
}

// next tells whether the next request fails.
func (f *faults) next() bool {
	toss := mix(f.seed + f.n.Add(1)*golden)
	return float64(toss>>11)/(1<<53) < f.rate
}

const golden = 0x9e3779b97f4a7c15

// mix is the finalizer of SplitMix64.
func mix(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}
