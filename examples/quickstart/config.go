package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// config is what the demo can be told.
type config struct {
	// Dir is where everything is kept that has to outlive a crash.
	Dir string
	// Crash kills the process in the middle of wave 2.
	Crash bool

	// Servers is the size of the fleet.
	Servers int
	// Rate is how many requests a second the whole fleet gets.
	Rate float64
	// Errors is the rate of errors of a healthy version, Broken that of v2.
	Errors, Broken float64
	// Every is the time between two looks at the metrics, Bake the shortest time
	// that a wave is watched.
	Every, Bake time.Duration
	// Restart is about how long a server is away when it gets another version.
	Restart time.Duration
	// Seed makes the errors come out the same in every run. The default is a seed
	// with which either release is judged about as fast as with most others.
	Seed uint64
}

func defaults() config {
	return config{
		Dir:     filepath.Join(os.TempDir(), "tidegate-quickstart"),
		Servers: 40,
		Rate:    2000,
		Errors:  0.01,
		Broken:  0.05,
		Every:   time.Second,
		Bake:    3 * time.Second,
		Restart: 200 * time.Millisecond,
		Seed:    30,
	}
}

// testSettings names an environment variable with a config in JSON that takes
// the place of the defaults. It is there for the tests, which run a smaller and
// faster demo in a process of its own.
const testSettings = "TIDEGATE_QUICKSTART_TEST_SETTINGS"

func (c *config) fromEnvironment() error {
	settings := os.Getenv(testSettings)
	if settings == "" {
		return nil
	}
	if err := json.Unmarshal([]byte(settings), c); err != nil {
		return fmt.Errorf("%s: %w", testSettings, err)
	}
	return nil
}
