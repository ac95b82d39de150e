package main

import (
	"fmt"
	"math"
)

const (
	// looks is how often a rollout is looked at: every ten seconds for half an hour.
	looks, seconds = 180, 10
	alpha          = 0.01
)

// setting is a service, and a release of it.
type setting struct {
	rate      float64 // of errors, in the baseline
	lift      float64 // by which the canary's is higher
	share     float64 // of the requests that the canary gets
	perSecond float64 // requests, in both arms
}

func (s setting) String() string {
	return fmt.Sprintf("%g%%, %g%% of %g/s", 100*s.rate, 100*s.share, s.perSecond)
}

// bound is Wald's for two samples: the least mean number of canary requests in which
// any sequential test can tell the arms apart at an error of alpha, if the common
// error rate is not known.
func (s setting) bound() float64 {
	kl := func(p, q float64) float64 { return p*math.Log(p/q) + (1-p)*math.Log((1-p)/(1-q)) }
	p1 := s.rate * s.lift
	mix := s.share*p1 + (1-s.share)*s.rate
	return -math.Log(alpha) / (kl(p1, mix) + (1-s.share)/s.share*kl(s.rate, mix))
}

// perLook is how many requests the canary gets between two looks.
func (s setting) perLook() float64 { return seconds * s.perSecond * s.share }

// allSettings is the whole grid.
func allSettings() (all []setting) {
	for _, rate := range []float64{0.001, 0.01, 0.05} {
		for _, share := range []float64{0.05, 0.5} {
			for _, perSecond := range []float64{10, 100, 1000} {
				for _, lift := range []float64{1, 1.5, 2, 5, 10} {
					all = append(all, setting{rate, lift, share, perSecond})
				}
			}
		}
	}
	return all
}

// someSettings are nine usual ones, and the same services with releases that are fine.
func someSettings() (some []setting) {
	for _, s := range []setting{
		{0.001, 10, 0.05, 10}, {0.001, 5, 0.05, 100}, {0.001, 2, 0.05, 1000},
		{0.01, 5, 0.05, 10}, {0.01, 2, 0.05, 100}, {0.01, 1.5, 0.05, 1000},
		{0.05, 1.5, 0.05, 100}, {0.01, 2, 0.5, 100}, {0.001, 10, 0.5, 10},
	} {
		fine := s
		fine.lift = 1
		some = append(some, fine, s)
	}
	return some
}
