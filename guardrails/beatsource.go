package guardrails

import (
	"context"
	"os"
	"time"

	"github.com/tidegate-go/tidegate/internal/httpx"
)

// BeatFile returns a source for a DeadMan: the heart beats whenever somebody touches
// the file.
func BeatFile(path string) func(ctx context.Context) (time.Time, error) {
	return func(context.Context) (time.Time, error) {
		info, err := os.Stat(path)
		if err != nil {
			return time.Time{}, err
		}
		return info.ModTime(), nil
	}
}

// BeatURL returns a source for a DeadMan: the heart beats while a GET of the URL is
// answered with 2xx, within two seconds. A redirect to elsewhere is no answer. An error
// shows the URL without its secrets.
func BeatURL(url string) func(ctx context.Context) (time.Time, error) {
	client := &httpx.Client{Timeout: 2 * time.Second, Attempts: 1, MaxBody: 1 << 20, OpenAfter: -1}
	return func(ctx context.Context) (time.Time, error) {
		asked := time.Now()
		if _, err := client.Get(ctx, url); err != nil {
			return time.Time{}, err
		}
		return asked, nil
	}
}
