package layers

// A rule is one package's place in the architecture. Tests are free: what is
// said here goes for what users of the package compile.
type rule struct {
	// path is relative to the module; one that ends in "/..." stands for all
	// packages under it.
	path string
	// layer: a package may import packages of lower layers.
	layer int
	// also are packages that it may import although they are in its own layer.
	also []string
	// alone packages import nothing of ours, whatever the layer.
	alone bool
	// links are the third-party modules that may be compiled in, by whatever way.
	links []string
	// linksAny packages may link what they like: they are programs.
	linksAny bool
}

// Third-party modules by what brings them in.
var (
	web        = []string{"github.com/hashicorp/go-retryablehttp", "github.com/hashicorp/go-cleanhttp"}
	prometheus = []string{"github.com/prometheus/common", "github.com/prometheus/client_model", "github.com/munnerz/goautoneg", "google.golang.org/protobuf"}
	ownMetrics = append([]string{
		"github.com/prometheus/client_golang", "github.com/prometheus/procfs", "github.com/beorn7/perks", "github.com/cespare/xxhash/v2", "golang.org/x/sys",
	}, prometheus...)
	tracing  = []string{"go.opentelemetry.io/otel", "go.opentelemetry.io/otel/trace", "go.opentelemetry.io/otel/metric"}
	fileLock = []string{"github.com/gofrs/flock", "golang.org/x/sys"}
	yaml     = []string{"go.yaml.in/yaml/v3"}
	terminal = []string{"golang.org/x/term", "golang.org/x/sys"}
	// What guardrails and rollback bring along to rollouts, which have both: a kill
	// switch can be tripped over HTTP, and of two that reset a breaker, or unwind a
	// stack, one has to wait.
	guarding = join(web, fileLock)
)

// rules is the architecture. Whoever adds a package adds a line, and whoever
// needs a line to be wider says why in the commit.
var rules = []rule{
	{path: "internal/httpx", layer: 0, links: web},
	{path: "internal/procgroup", layer: 0},
	{path: "internal/layers", layer: 0, alone: true},
	{path: "internal/binomial", layer: 0, alone: true},

	{path: "analysis", layer: 1, also: []string{"analysis/evidence"}},
	{path: "analysis/evidence", layer: 1, alone: true},
	{path: "analysis/promql", layer: 1, also: []string{"analysis"}, links: join(web, prometheus)},
	{path: "analysis/scrape", layer: 1, also: []string{"analysis"}, links: join(web, prometheus)},
	{path: "analysis/jsonapi", layer: 1, also: []string{"analysis"}, links: web},
	{path: "analysis/command", layer: 1, also: []string{"analysis"}},
	{path: "analysis/kayenta", layer: 1, also: []string{"analysis", "analysis/evidence"}},
	{path: "analysis/analysistest", layer: 1, also: []string{"analysis"}},

	{path: "guardrails", layer: 2, links: guarding},
	{path: "rollback", layer: 2, links: fileLock},

	{path: "rollout", layer: 3, links: guarding},

	{path: "rollout/planfile", layer: 4, also: []string{"rollout/execdeploy"}, links: join(yaml, guarding, prometheus)},
	{path: "rollout/rollouttest", layer: 4, links: guarding},
	{path: "rollout/simulate", layer: 4, links: guarding},
	{path: "rollout/journaltest", layer: 4, links: guarding},
	{path: "rollout/console", layer: 4, links: join(terminal, guarding)},
	{path: "rollout/report", layer: 4, links: guarding},
	{path: "rollout/notify", layer: 4, links: guarding},
	{path: "rollout/telemetry", layer: 4, links: join(ownMetrics, tracing, guarding)},
	{path: "rollout/filejournal", layer: 4, links: guarding},
	{path: "rollout/execdeploy", layer: 4, links: guarding},

	{path: "analysis/evidence/detection", layer: 5, linksAny: true}, // a program
	{path: "cmd/...", layer: 5, linksAny: true},
	{path: "examples/incidents", layer: 7, linksAny: true},        // the program that tells all
	{path: "examples/incidents/replay", layer: 5, linksAny: true}, // what they have in common
	{path: "examples/incidents/...", layer: 6, linksAny: true},    // one of them each
	{path: "examples/...", layer: 5, linksAny: true},
}

// importers names the only packages that may import a module by themselves:
// what it does for us is done in one place.
var importers = map[string][]string{
	"github.com/hashicorp/go-retryablehttp": {"internal/httpx"},
	"github.com/gofrs/flock":                {"rollout/filejournal", "rollback", "guardrails"},
	"github.com/prometheus/client_golang":   {"rollout/telemetry", "cmd/...", "examples/..."},
}

func join(lists ...[]string) (all []string) {
	for _, l := range lists {
		all = append(all, l...)
	}
	return all
}
