package scrape

import (
	"errors"
	"fmt"

	"github.com/tidegate-go/tidegate/analysis"
)

const noURL = "is nil: there is no telling where the pages are"

// wrong joins what Problems finds.
func wrong(name string, p analysis.Problemer) error {
	var all []error
	p.Problems(func(path, msg string) {
		all = append(all, fmt.Errorf("scrape: %s.%s %s", name, path, msg))
	})
	return errors.Join(all...)
}
