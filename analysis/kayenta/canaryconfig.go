package kayenta

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// JudgeName is the only judge that configurations may name.
const JudgeName = "NetflixACAJudge-v1.0"

// CanaryConfig is what Kayenta's canary configuration files say about judging.
// The queries are left to sources.
type CanaryConfig struct {
	Name    string
	Metrics []Metric
	// GroupWeights are the groups' percentages of the score.
	GroupWeights map[string]float64
	// Thresholds are classifier.scoreThresholds, which few files have: Kayenta takes
	// them from the request.
	Thresholds Thresholds
}

// Metric is one metric of a canary.
type Metric struct {
	Name   string
	Groups []string
	Config Config
}

// Metric returns the metric of a name. It is an error if there is none.
func (c CanaryConfig) Metric(name string) (Metric, error) {
	for _, m := range c.Metrics {
		if m.Name == name {
			return m, nil
		}
	}
	return Metric{}, fmt.Errorf("kayenta: the canary config has no metric %s", quote(name))
}

// ConfigError is one thing that is wrong with a canary configuration.
type ConfigError struct {
	// Path is where, such as metrics[0].analysisConfigurations.canary.critical.
	// Empty for the file as a whole.
	Path string
	// Msg is what.
	Msg string
}

// Error returns the path and what is wrong there.
func (e *ConfigError) Error() string {
	if e.Path == "" {
		return "kayenta: canary config " + e.Msg
	}
	return "kayenta: canary config: " + e.Path + " " + e.Msg
}

// ParseCanaryConfig reads a canary configuration as Kayenta stores it, in JSON.
// Keys that it does not know are skipped, and text that names no direction,
// strategy or measure stands for the default, as in Kayenta: a "direction" of
// "up" is either. A value of the wrong type, a metric without a name or with the
// name of another, an impossible figure, or a judge other than JudgeName is an
// error: it returns all of them (at most a hundred) as *ConfigError, joined.
func ParseCanaryConfig(data []byte) (CanaryConfig, error) {
	var root any
	dec := json.NewDecoder(strings.NewReader(string(data)))
	dec.UseNumber()
	if err := dec.Decode(&root); err != nil {
		return CanaryConfig{}, &ConfigError{Msg: "is not JSON: " + err.Error()}
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return CanaryConfig{}, &ConfigError{Msg: "has something behind its end"}
	}
	if _, ok := root.(map[string]any); !ok {
		return CanaryConfig{}, &ConfigError{Msg: "is " + kind(root) + ": want an object"}
	}
	r := &reader{}
	c := r.canaryConfig(root)
	if len(r.problems) > 0 {
		return CanaryConfig{}, errors.Join(r.problems...)
	}
	return c, nil
}

func (r *reader) canaryConfig(root any) CanaryConfig {
	top := r.object("", root)
	c := CanaryConfig{Name: r.text("name", top["name"])}
	judge := r.object("judge", top["judge"])
	if name := r.text("judge.name", judge["name"]); name != "" && name != JudgeName {
		r.report("judge.name", "is %s: want %q", quote(name), JudgeName)
	}
	first := map[string]int{}
	for i, v := range r.list("metrics", top["metrics"]) {
		m := r.metric(fmt.Sprintf("metrics[%d]", i), v)
		if other, dup := first[m.Name]; dup && m.Name != "" {
			r.report(fmt.Sprintf("metrics[%d].name", i), "is %s, as that of metrics[%d]", quote(m.Name), other)
		} else {
			first[m.Name] = i
		}
		c.Metrics = append(c.Metrics, m)
	}
	if _, isList := top["metrics"].([]any); len(c.Metrics) == 0 && (isList || top["metrics"] == nil) {
		r.report("metrics", "is empty: there would be nothing to judge by")
	}
	classifier := r.object("classifier", top["classifier"])
	weights := r.object("classifier.groupWeights", classifier["groupWeights"])
	for _, name := range slices.Sorted(maps.Keys(weights)) {
		if w := r.number("classifier.groupWeights["+quote(name)+"]", weights[name]); w != nil {
			if c.GroupWeights == nil {
				c.GroupWeights = map[string]float64{}
			}
			c.GroupWeights[name] = *w
		}
	}
	if problem := weightProblem(c.GroupWeights); problem != "" {
		r.report("classifier.groupWeights", "cannot be: %s", problem)
	}
	thresholds := r.object("classifier.scoreThresholds", classifier["scoreThresholds"])
	c.Thresholds.Pass = r.number("classifier.scoreThresholds.pass", thresholds["pass"])
	c.Thresholds.Marginal = r.number("classifier.scoreThresholds.marginal", thresholds["marginal"])
	return c
}

func (r *reader) metric(path string, v any) Metric {
	if v == nil {
		r.report(path, "is null: want an object")
		return Metric{}
	}
	before := len(r.problems)
	o := r.object(path, v)
	m := Metric{Name: r.text(path+".name", o["name"])}
	if m.Name == "" && len(r.problems) == before {
		r.report(path+".name", "is missing")
	}
	for i, g := range r.list(path+".groups", o["groups"]) {
		at := path + ".groups[" + strconv.Itoa(i) + "]"
		if g == nil {
			r.report(at, "is null: want text")
		}
		m.Groups = append(m.Groups, r.text(at, g))
	}
	path += ".analysisConfigurations"
	analyses := r.object(path, o["analysisConfigurations"])
	m.Config = r.config(path+".canary", r.object(path+".canary", analyses["canary"]))
	return m
}

func (r *reader) config(path string, o map[string]any) Config {
	var c Config
	switch r.text(path+".direction", o["direction"]) {
	case "increase":
		c.Direction = Increase
	case "decrease":
		c.Direction = Decrease
	}
	if r.text(path+".nanStrategy", o["nanStrategy"]) == "replace" {
		c.NaN = ReplaceNaN
	}
	outliers := r.object(path+".outliers", o["outliers"])
	if r.text(path+".outliers.strategy", outliers["strategy"]) == "remove" {
		c.Outliers = RemoveOutliers
	}
	if factor := r.number(path+".outliers.outlierFactor", outliers["outlierFactor"]); factor != nil {
		if c.OutlierFactor = *factor; *factor <= 0 {
			r.report(path+".outliers.outlierFactor", "is %v: want more than 0", *factor)
		}
	}
	effect := r.object(path+".effectSize", o["effectSize"])
	if r.text(path+".effectSize.measure", effect["measure"]) == "cles" {
		c.EffectSize.Measure = CLES
	}
	limit := func(key string) *float64 { return r.number(path+".effectSize."+key, effect[key]) }
	c.EffectSize.AllowedIncrease, c.EffectSize.AllowedDecrease = limit("allowedIncrease"), limit("allowedDecrease")
	c.EffectSize.CriticalIncrease, c.EffectSize.CriticalDecrease = limit("criticalIncrease"), limit("criticalDecrease")
	c.Critical = r.flag(path+".critical", o["critical"])
	c.MustHaveData = r.flag(path+".mustHaveData", o["mustHaveData"])
	c.Muted = r.flag(path+".muted", o["muted"])
	return c
}
