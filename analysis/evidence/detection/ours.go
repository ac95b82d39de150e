package main

import (
	"math"

	"github.com/tidegate-go/tidegate/analysis/evidence"
)

// exact is the test that spends its alpha.
type exact struct{ test *evidence.Spending }

func beginExact() (watch, error) {
	test, err := evidence.NewSpending(1, alpha, looks)
	return exact{test}, err
}

func beginEager() (watch, error) {
	test, err := evidence.NewEagerSpending(1, alpha, looks)
	return exact{test}, err
}

func (w exact) alarm(c evidence.Counts) bool {
	w.test.Observe(c)
	return w.test.Crossed()
}

// restarts is the e-process for a regression that may begin at any time.
type restarts struct {
	harm  evidence.Harm
	level float64
}

func beginRestarts() (watch, error) {
	harm, err := evidence.NewHarm(1, looks)
	return &restarts{harm, -math.Log(alpha)}, err
}

func (w *restarts) alarm(c evidence.Counts) bool {
	w.harm.Observe(c)
	return w.harm.Log() >= w.level
}

// dual is both, each with a part of alpha.
type dual struct {
	exact
	restarts
}

func beginDual() (watch, error) {
	test, err := evidence.NewSpending(1, 0.7*alpha, looks)
	if err != nil {
		return nil, err
	}
	harm, err := evidence.NewHarm(1, looks)
	return &dual{exact{test}, restarts{harm, -math.Log(0.3 * alpha)}}, err
}

func (w *dual) alarm(c evidence.Counts) bool {
	late := w.restarts.alarm(c)
	return w.exact.alarm(c) || late
}
