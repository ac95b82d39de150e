package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/tidegate-go/tidegate/rollout"
)

// deployer puts releases on servers through their own HTTP interface. It is a
// rollout.Deployer, and because it can also say what a server runs and how it
// is (rollout.Versioner, rollout.Prober), every step is verified.
type deployer struct {
	fleet  *fleet
	client *http.Client
}

func newDeployer(f *fleet) *deployer {
	return &deployer{fleet: f, client: &http.Client{Transport: &http.Transport{}}}
}

// Deploy installs the version on one server, and returns once it is back. A
// rollback is a Deploy too, of the version before.
func (d *deployer) Deploy(ctx context.Context, target rollout.Target, release rollout.Release) error {
	_, err := d.call(ctx, http.MethodPost, target.Name, "/deploy?version="+url.QueryEscape(release.To))
	return err
}

// Version asks a server what it runs.
func (d *deployer) Version(ctx context.Context, target rollout.Target) (string, error) {
	return d.call(ctx, http.MethodGet, target.Name, "/version")
}

// Healthy asks a server whether it is able to serve.
func (d *deployer) Healthy(ctx context.Context, target rollout.Target) (bool, error) {
	_, err := d.call(ctx, http.MethodGet, target.Name, "/healthz")
	return err == nil, err
}

// call makes one request to a server and returns what it says; an error unless
// that is a 200.
func (d *deployer) call(ctx context.Context, method, name, path string) (string, error) {
	base := d.fleet.url(name)
	if base == "" {
		return "", fmt.Errorf("there is no server %q", name)
	}
	req, err := http.NewRequestWithContext(ctx, method, base+path, nil)
	if err != nil {
		return "", err
	}
	resp, err := d.client.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<10))
	if err != nil {
		return "", err
	}
	said := strings.TrimSpace(string(body))
	if resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%s answers %s: %s", name, resp.Status, said)
	}
	return said, nil
}

// ask asks every server what it runs, and returns how many say so, by version.
// One that does not answer counts under the error.
func (d *deployer) ask(ctx context.Context) map[string]int {
	var mu sync.Mutex
	var asking sync.WaitGroup
	said := make(map[string]int)
	for _, target := range d.fleet.targets() {
		asking.Go(func() {
			version, err := d.Version(ctx, target)
			if err != nil {
				version = err.Error()
			}
			mu.Lock()
			said[version]++
			mu.Unlock()
		})
	}
	asking.Wait()
	return said
}
