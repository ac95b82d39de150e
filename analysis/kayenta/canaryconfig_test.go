package kayenta

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParseCanaryConfig(t *testing.T) {
	data, err := os.ReadFile("testdata/checkout.json")
	require.NoError(t, err)
	c, err := ParseCanaryConfig(data)
	require.NoError(t, err)
	at := func(v float64) *float64 { return &v }
	require.Equal(t, CanaryConfig{
		Name: "checkout",
		Metrics: []Metric{
			{Name: "errors", Groups: []string{"Errors"}, Config: Config{
				Direction: Increase, NaN: ReplaceNaN, Critical: true,
				EffectSize: EffectSize{AllowedIncrease: at(1), CriticalIncrease: at(5)},
			}},
			{Name: "latency", Groups: []string{"Latency", "All"}, Config: Config{
				Direction: Increase, Outliers: RemoveOutliers, OutlierFactor: 2.5, MustHaveData: true,
				EffectSize: EffectSize{Measure: CLES, AllowedIncrease: at(0.7), AllowedDecrease: at(0.3), CriticalDecrease: at(0)},
			}},
			{Name: "sales", Groups: []string{"All"}, Config: Config{Direction: Decrease}},
			{Name: "cpu", Config: Config{Muted: true}},
		},
		GroupWeights: map[string]float64{"Errors": 60, "Latency": 25.5},
		Thresholds:   Thresholds{Pass: at(95), Marginal: at(75)},
	}, c)

	latency, err := c.Metric("latency")
	require.NoError(t, err)
	require.Equal(t, c.Metrics[1], latency)
	_, err = c.Metric("Latency")
	require.EqualError(t, err, `kayenta: the canary config has no metric "Latency"`)
}

func TestDefaultsOfACanaryConfig(t *testing.T) {
	for story, text := range map[string]string{
		"nothing":       `{"metrics":[{"name":"m"}]}`,
		"empty objects": `{"metrics":[{"name":"m","analysisConfigurations":{"canary":{"effectSize":{},"outliers":{}}}}],"classifier":{"groupWeights":{}},"judge":{}}`,
		"nulls":         `{"metrics":[{"name":"m","groups":null,"analysisConfigurations":{"canary":{"direction":null,"effectSize":{"allowedIncrease":null},"critical":null}}}],"classifier":null,"judge":null}`,
		"unknown words": `{"metrics":[{"name":"m","analysisConfigurations":{"canary":{"direction":"up","nanStrategy":"zero","outliers":{"strategy":"drop"},"effectSize":{"measure":"cohenD"}}}}],"judge":{"name":"NetflixACAJudge-v1.0"}}`,
		"unknown keys":  `{"metrics":[{"name":"m","query":{"type":"x"},"Groups":7}],"configVersion":1,"x":[{}]}`,
	} {
		c, err := ParseCanaryConfig([]byte(text))
		require.NoError(t, err, story)
		require.Equal(t, CanaryConfig{Metrics: []Metric{{Name: "m"}}}, c, story)
	}
}

func TestWhatIsWrongWithACanaryConfig(t *testing.T) {
	const canary = `{"metrics":[{"name":"m","analysisConfigurations":{"canary":`
	long := strings.Repeat("x", 1000)
	for _, c := range []struct{ text, want string }{
		{``, "is not JSON: EOF"},
		{`{"metrics":`, "is not JSON: unexpected EOF"},
		{`null`, "is null: want an object"},
		{`[]`, "is a list: want an object"},
		{`{} {}`, "has something behind its end"},
		{`{"metrics":[{"name":"m"}]} x`, "has something behind its end"},
		{`{}`, ": metrics is empty: there would be nothing to judge by"},
		{`{"metrics":{"name":"m"}}`, ": metrics is an object: want a list"},
		{`{"metrics":[null]}`, ": metrics[0] is null: want an object"},
		{`{"metrics":["m"]}`, ": metrics[0] is text: want an object"},
		{`{"metrics":[{}]}`, ": metrics[0].name is missing"},
		{`{"metrics":[{"name":7}]}`, ": metrics[0].name is a number: want text"},
		{`{"metrics":[{"name":"m"},{"name":"n"},{"name":"m"}]}`, `: metrics[2].name is "m", as that of metrics[0]`},
		{`{"metrics":[{"name":"m","groups":"All"}]}`, ": metrics[0].groups is text: want a list"},
		{`{"metrics":[{"name":"m","groups":["a",1]}]}`, ": metrics[0].groups[1] is a number: want text"},
		{`{"metrics":[{"name":"m","groups":[null]}]}`, ": metrics[0].groups[0] is null: want text"},
		{`{"metrics":[{"name":"m","analysisConfigurations":[]}]}`, ": metrics[0].analysisConfigurations is a list: want an object"},
		{canary + `true}}]}`, ": metrics[0].analysisConfigurations.canary is true or false: want an object"},
		{canary + `{"critical":"true"}}}]}`, ": metrics[0].analysisConfigurations.canary.critical is text: want true or false"},
		{canary + `{"direction":1}}}]}`, ": metrics[0].analysisConfigurations.canary.direction is a number: want text"},
		{canary + `{"effectSize":{"allowedIncrease":"1.1"}}}}]}`, ": metrics[0].analysisConfigurations.canary.effectSize.allowedIncrease is text: want a number"},
		{canary + `{"effectSize":{"allowedIncrease":1e999}}}}]}`, ": metrics[0].analysisConfigurations.canary.effectSize.allowedIncrease is too large a number"},
		{canary + `{"outliers":{"outlierFactor":0}}}}]}`, ": metrics[0].analysisConfigurations.canary.outliers.outlierFactor is 0: want more than 0"},
		{`{"metrics":[{"name":"m"}],"judge":{"name":"dredd-v1.0"}}`, `: judge.name is "dredd-v1.0": want "NetflixACAJudge-v1.0"`},
		{`{"metrics":[{"name":"m"}],"classifier":{"groupWeights":{"a\u001b[2J":"x"}}}`, `: classifier.groupWeights["a\x1b[2J"] is text: want a number`},
		{`{"metrics":[{"name":"m"}],"classifier":{"groupWeights":{"a":60,"b":60}}}`, ": classifier.groupWeights cannot be: the weights add up to 120: want at most 100"},
		{`{"metrics":[{"name":"m"}],"judge":{"name":"` + long + `"}}`, `: judge.name is "` + long[:60] + `…": want "NetflixACAJudge-v1.0"`},
	} {
		got, err := ParseCanaryConfig([]byte(c.text))
		want := "kayenta: canary config"
		if !strings.HasPrefix(c.want, ":") {
			want += " " // of the file as a whole
		}
		require.EqualError(t, err, want+c.want, c.text)
		require.Zero(t, got, c.text)
		var problem *ConfigError
		require.ErrorAs(t, err, &problem)
	}
}

func TestAllProblemsAtOnce(t *testing.T) {
	_, err := ParseCanaryConfig([]byte(`{"name":1,"metrics":[{"groups":7},{"name":"m","groups":[1,2]}]}`))
	require.EqualError(t, err, strings.Join([]string{
		"kayenta: canary config: name is a number: want text",
		"kayenta: canary config: metrics[0].name is missing",
		"kayenta: canary config: metrics[0].groups is a number: want a list",
		"kayenta: canary config: metrics[1].groups[0] is a number: want text",
		"kayenta: canary config: metrics[1].groups[1] is a number: want text",
	}, "\n"))

	_, err = ParseCanaryConfig([]byte(`{"metrics":[` + strings.Repeat(`1,`, 10_000) + `1]}`))
	require.Equal(t, mostProblems, strings.Count(err.Error(), "\n")+1)
}

func FuzzParseCanaryConfig(f *testing.F) {
	data, err := os.ReadFile("testdata/checkout.json")
	require.NoError(f, err)
	f.Add(data)
	f.Add([]byte(`{"metrics":[{"name":"m"}],"classifier":{"groupWeights":{"a":1e2}}}`))
	f.Add([]byte(`{"metrics":[null,{"name":""}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := ParseCanaryConfig(data)
		if err != nil {
			var problem *ConfigError
			require.True(t, errors.As(err, &problem))
			require.Zero(t, c)
			return
		}
		require.NotEmpty(t, c.Metrics)
		require.Empty(t, weightProblem(c.GroupWeights))
		for _, m := range c.Metrics {
			require.NotEmpty(t, m.Name)
			require.Empty(t, firstProblem(m.Config), "what is read can be used")
			found, err := c.Metric(m.Name)
			require.NoError(t, err)
			require.Equal(t, m, found)
		}
	})
}
