package kayenta_test

import (
	"fmt"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/analysis/kayenta"
)

// A metric of a Kayenta configuration, judged in a gate: latencies that are 8%
// higher in the canary.
func Example() {
	config, err := kayenta.ParseCanaryConfig([]byte(`{
		"name": "checkout",
		"metrics": [{
			"name": "latency",
			"groups": ["Latency"],
			"analysisConfigurations": {"canary": {
				"direction": "increase", "critical": true, "effectSize": {"allowedIncrease": 1.05, "criticalIncrease": 1.5}
			}}
		}],
		"classifier": {"groupWeights": {"Latency": 100}}
	}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	latency, err := config.Metric("latency")
	if err != nil {
		fmt.Println(err)
		return
	}
	trial := kayenta.Judge{Config: latency.Config}.Begin()
	for i := range 50 {
		noise := float64(i * 37 % 50)
		v := trial.Judge(analysis.Observation{
			Canary:   analysis.Gauge(108 + noise/10),
			Baseline: analysis.Gauge(100 + noise/9),
		})
		if i%49 == 0 {
			fmt.Printf("%v: %s\n", v.Outcome, v.Reason)
		}
	}
	// Output:
	// undecided: the canary has 1 and the baseline 1 of the 50 points needed
	// fail: High: canary 110 against baseline 103 (means of 50 and 50 points, ratio 1.08): shift 7.73, 98% interval 6.96 to 8.5
}

func ExampleClassify() {
	r := kayenta.Classify(kayenta.Config{Direction: kayenta.Increase, NaN: kayenta.RemoveNaN},
		[]float64{20, 22, 21, 25, 30, 24}, []float64{11, 12, 10, 12.5, 13, 10.5})
	fmt.Println(r.Label, r.Critical)
	fmt.Println(r.Reason)
	// Output:
	// High false
	// canary 23.7 against baseline 11.5 (means of 6 and 6 points, ratio 2.06): shift 11.5, 98% interval 8 to 19
}

func ExampleSum() {
	score := kayenta.Sum([]kayenta.MetricResult{
		{Name: "errors", Groups: []string{"Errors"}, Label: kayenta.Pass},
		{Name: "p50", Groups: []string{"Latency"}, Label: kayenta.Pass},
		{Name: "p99", Groups: []string{"Latency"}, Label: kayenta.High},
	}, map[string]float64{"Errors": 60, "Latency": 40})
	pass, marginal := 95.0, 75.0
	fmt.Println(score.Total, kayenta.Thresholds{Pass: &pass, Marginal: &marginal}.Grade(score.Total))
	// Output: 80 Marginal
}
