package rollout_test

import (
	"context"
	"fmt"
	"runtime"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/tidegate-go/tidegate/rollout"
	"github.com/tidegate-go/tidegate/rollout/filejournal"
)

// BenchmarkRunner rolls out to 100,000 targets that do nothing, beside the same
// loop on a bare errgroup: the difference is what safety costs.
func BenchmarkRunner(b *testing.B) {
	const n = 100_000
	targets := make([]rollout.Target, n)
	for i := range targets {
		targets[i] = rollout.Target{Name: fmt.Sprintf("target-%06d", i)}
	}
	deployer := rollout.DeployerFunc(func(context.Context, rollout.Target, rollout.Release) error { return nil })
	release := rollout.Release{Service: "s", From: "v1", To: "v2"}
	run := func(b *testing.B, concurrency int, journal func() rollout.Journal) {
		var peak uint64
		for b.Loop() {
			r := rollout.Runner{
				Plan: rollout.Plan{
					Name: "bench", Release: release, Targets: targets, Concurrency: concurrency,
					Waves: rollout.WavesFunc(func(fleet []rollout.Target) ([]rollout.Wave, error) {
						return []rollout.Wave{{Targets: fleet[:1], Ungated: "bench"}, {Targets: fleet[1:], Ungated: "bench"}}, nil
					}),
				},
				Deployer: deployer, Journal: journal(), Logger: quiet(),
			}
			if _, err := r.Run(b.Context()); err != nil {
				b.Fatal(err)
			}
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			peak = max(peak, m.HeapSys)
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/target")
		b.ReportMetric(float64(peak)/1e6, "heap-MB")
	}
	bare := func(b *testing.B, concurrency int) {
		for b.Loop() {
			g, ctx := errgroup.WithContext(b.Context())
			g.SetLimit(concurrency)
			for _, t := range targets {
				g.Go(func() error { return deployer(ctx, t, release) })
			}
			if err := g.Wait(); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/target")
	}
	for _, concurrency := range []int{10, 100, 1000} {
		b.Run(fmt.Sprintf("concurrency=%d", concurrency), func(b *testing.B) {
			b.Run("errgroup", func(b *testing.B) { bare(b, concurrency) })
			b.Run("memory", func(b *testing.B) {
				run(b, concurrency, func() rollout.Journal { return &rollout.MemoryJournal{} })
			})
			b.Run("file", func(b *testing.B) {
				run(b, concurrency, func() rollout.Journal { return filejournal.Dir(b.TempDir()) })
			})
		})
	}
}
