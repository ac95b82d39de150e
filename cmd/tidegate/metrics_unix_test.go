//go:build unix

package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

// metrics is a Prometheus that has one value, and a page of one target that counts.
type metrics struct {
	*httptest.Server
	value   atomic.Int64 // negative: it does not answer
	asked   atomic.Int64
	errors  atomic.Int64 // of as many requests as it was asked, times 1000
	failing atomic.Bool  // a tenth of the requests are errors
}

func startMetrics(t *testing.T) *metrics {
	m := &metrics{}
	m.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked := m.asked.Add(1)
		value := m.value.Load()
		if m.failing.Load() {
			m.errors.Add(100)
		}
		switch {
		case value < 0:
			http.Error(w, "down", http.StatusBadRequest)
		case strings.HasSuffix(r.URL.Path, "/metrics"):
			fmt.Fprintf(w, "# TYPE requests counter\nrequests{code=\"200\"} %d\nrequests{code=\"500\"} %d\n", 1000*asked, m.errors.Load())
		default:
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprintf(w, `{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[%s,"%d"]}]}}`, r.FormValue("time"), value)
		}
	}))
	t.Cleanup(m.Close)
	return m
}
