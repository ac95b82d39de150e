package httpx

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestBackoffStaysWithinItsBounds(t *testing.T) {
	t.Parallel()
	for made, want := range []time.Duration{1: 100, 2: 200, 3: 400, 4: 800, 5: 1000, 6: 1000, 100: 1000} {
		if want == 0 {
			continue
		}
		seen := map[time.Duration]bool{}
		for range 100 {
			got := backoff(made, 100, 1000)
			require.LessOrEqual(t, got, want)
			require.GreaterOrEqual(t, got, want/2)
			seen[got] = true
		}
		require.Greater(t, len(seen), 1, "jitter")
	}
	require.LessOrEqual(t, backoff(1, time.Hour, time.Second), time.Second)
	require.Positive(t, backoff(1, 1, 1))
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	tests := map[string]struct {
		status int
		header string
		want   time.Duration
		ok     bool
	}{
		"seconds":        {429, "120", 2 * time.Minute, true},
		"date":           {503, now.Add(time.Minute).Format(http.TimeFormat), time.Minute, true},
		"date gone by":   {503, now.Add(-time.Minute).Format(http.TimeFormat), 0, true},
		"none":           {429, "", 0, false},
		"negative":       {429, "-1", 0, false},
		"overflowing":    {429, "99999999999999999999", 0, false},
		"word":           {429, "soon", 0, false},
		"another status": {500, "120", 0, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, ok := retryAfter(&http.Response{StatusCode: test.status, Header: http.Header{"Retry-After": {test.header}}}, now)
			require.Equal(t, test.ok, ok)
			require.Equal(t, test.want, got)
		})
	}
	_, ok := retryAfter(nil, now)
	require.False(t, ok)
}
