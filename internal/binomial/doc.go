// Package binomial draws binomial random numbers, for simulations: exactly, and as
// fast for a million requests as for ten.
package binomial
