// Package layers holds the test that keeps the architecture: imports only ever
// point down, packages that people import link nothing heavy, and every package
// says what it is for. The table is in rules_test.go.
package layers
