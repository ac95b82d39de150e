package main

import (
	"math"
	"strconv"

	"github.com/tidegate-go/tidegate/analysis/kayenta"
)

// number is written as null where it is none, as JSON has no NaN.
type number float64

// MarshalJSON writes the shortest text that reads as the number.
func (n number) MarshalJSON() ([]byte, error) {
	v := float64(n)
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return []byte("null"), nil
	}
	return strconv.AppendFloat(nil, v, 'g', -1, 64), nil
}

func maybe(v float64) *number {
	n := number(v)
	return &n
}

// points sum up one arm's values, as far as they were compared.
type points struct {
	Mean   number `json:"mean"`
	StdDev number `json:"std"`
	Count  int    `json:"count"`
}

func summed(s kayenta.Stats) points {
	if s.Count == 0 {
		return points{Mean: number(math.NaN()), StdDev: number(math.NaN())}
	}
	return points{number(s.Mean), number(s.StdDev), s.Count}
}

// needValues refuses a record whose arms are not both arrays.
func (r record) needValues(judge string) error {
	for _, side := range r.arms() {
		if side.kind != values {
			return badf(`%s is %s: --judge %s wants {"values":[…]}`, side.name, side.kind, judge)
		}
	}
	return nil
}

func hasPoint(values []float64) bool {
	for _, v := range values {
		if !math.IsNaN(v) {
			return true
		}
	}
	return false
}
