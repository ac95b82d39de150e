package main

import (
	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/analysis/scrape"
)

// errors counts errors among requests. It reads the servers' own /metrics
// pages, so that no Prometheus server is needed.
func (d *demo) errors() analysis.Source {
	return &scrape.Counters{
		URL:       func(target string) string { return d.fleet.url(target) + "/metrics" },
		Total:     scrape.Counter{Name: "http_requests_total"},
		Events:    scrape.Counter{Name: "http_requests_total", Match: map[string]string{"code": "5.."}},
		Transport: d.deployer.client.Transport,
	}
}
