// Benchmarks beside gonum, which tidegate does not depend on.
module github.com/tidegate-go/tidegate/.ci/bench

go 1.25.0

require (
	github.com/tidegate-go/tidegate v0.0.0
	gonum.org/v1/gonum v0.17.0
)

replace github.com/tidegate-go/tidegate => ../..
