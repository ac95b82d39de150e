package main

import (
	"errors"
	"io"
	"os"

	"github.com/tidegate-go/tidegate/analysis/kayenta"
)

// maxConfig is how long a config file may be, in bytes.
const maxConfig = 1 << 20

const configFields = "direction, nanStrategy, outlierStrategy, outlierFactor, critical, mustHaveData, effectSizeMeasure, " +
	"allowedIncrease, allowedDecrease, criticalIncrease, criticalDecrease, tolerance or confLevel"

// kayenta returns the judge, with its config file read and checked.
func (a analyze) kayenta() (judge, error) {
	var j kayentaJudge
	if a.Config == nil {
		return j, a.noThresholds()
	}
	name := *a.Config
	if name == "-" {
		return nil, badf("--config cannot be read from stdin: want a file")
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, badf("cannot read --config: %v", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxConfig+1))
	if err != nil {
		return nil, badf("cannot read --config: %v", err)
	}
	if len(data) > maxConfig {
		return nil, badf("%s: is longer than 1 MB", name)
	}
	if j.config, err = document(data); err == nil && isCanaryConfig(j.config) {
		return a.canary(name, data)
	} else if err == nil {
		_, err = configOf(j.config)
	}
	if bad := (badInput{}); errors.As(err, &bad) {
		return nil, badf("%s: %s", name, bad.msg)
	}
	if err == nil {
		err = a.noThresholds()
	}
	return j, err
}

// noThresholds refuses those of a score, where there is none.
func (a analyze) noThresholds() error {
	if a.Pass != nil || a.Marginal != nil {
		return badf("--pass and --marginal are for a --config with metrics, which is scored")
	}
	return nil
}

// configOf is the config file's with the line's own fields on top.
func (j kayentaJudge) configOf(r record) (kayenta.Config, error) {
	if r.config == nil {
		return configOf(j.config)
	}
	own, err := fields("config", r.config)
	if err != nil {
		return kayenta.Config{}, err
	}
	return configOf(j.config, own)
}

// configOf reads a config. Later fields win over earlier ones.
func configOf(layers ...[]field) (kayenta.Config, error) {
	c := kayenta.Config{Tolerance: kayenta.DefaultTolerance, Confidence: kayenta.DefaultConfidence}
	for _, layer := range layers {
		for _, f := range layer {
			if err := f.setting(&c); err != nil {
				return c, err
			}
		}
	}
	return c, nil
}

// setting sets what the field says.
func (f field) setting(c *kayenta.Config) (err error) {
	limit := func() *float64 {
		var v float64
		v, err = f.number()
		return &v
	}
	switch f.name {
	case "direction":
		c.Direction, err = word(f, map[string]kayenta.Direction{"either": kayenta.Either, "increase": kayenta.Increase, "decrease": kayenta.Decrease}, "either, increase or decrease")
	case "nanStrategy":
		c.NaN, err = word(f, map[string]kayenta.NaNStrategy{"remove": kayenta.RemoveNaN, "replace": kayenta.ReplaceNaN}, "remove or replace")
	case "outlierStrategy":
		c.Outliers, err = word(f, map[string]kayenta.OutlierStrategy{"keep": kayenta.KeepOutliers, "remove": kayenta.RemoveOutliers}, "keep or remove")
	case "effectSizeMeasure":
		c.EffectSize.Measure, err = word(f, map[string]kayenta.Measure{"meanRatio": kayenta.MeanRatio, "cles": kayenta.CLES}, "meanRatio or cles")
	case "outlierFactor":
		c.OutlierFactor, err = f.positive()
	case "tolerance":
		c.Tolerance, err = f.positive()
	case "confLevel":
		if c.Confidence, err = f.positive(); err == nil && c.Confidence >= 1 {
			err = f.wrong("a probability between 0 and 1, such as 0.98")
		}
	case "critical":
		c.Critical, err = f.flag()
	case "mustHaveData":
		c.MustHaveData, err = f.flag()
	case "allowedIncrease":
		c.EffectSize.AllowedIncrease = limit()
	case "allowedDecrease":
		c.EffectSize.AllowedDecrease = limit()
	case "criticalIncrease":
		c.EffectSize.CriticalIncrease = limit()
	case "criticalDecrease":
		c.EffectSize.CriticalDecrease = limit()
	default:
		err = f.unknown(configFields)
	}
	return err
}

func (f field) positive() (float64, error) {
	v, err := f.number()
	if err == nil && !(v > 0) {
		err = f.wrong("more than 0")
	}
	return v, err
}

// word reads one of some words.
func word[T any](f field, words map[string]T, want string) (T, error) {
	s, err := f.text()
	v, ok := words[s]
	if err != nil || !ok {
		return v, f.wrong(want)
	}
	return v, nil
}
