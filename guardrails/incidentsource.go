package guardrails

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/tidegate-go/tidegate/internal/httpx"
)

// IncidentFunc makes a source of a function that returns what the incident is, and
// nothing when there is none. It must be safe for concurrent use.
func IncidentFunc(name string, read func(ctx context.Context) (incident string, err error)) SwitchSource {
	return incidentFunc{name, read}
}

type incidentFunc struct {
	name string
	read func(ctx context.Context) (string, error)
}

func (f incidentFunc) Name() string { return f.name }

func (f incidentFunc) Read(ctx context.Context) (bool, string, error) {
	if f.read == nil {
		return false, "", errors.New("the function is nil")
	}
	incident, err := f.read(ctx)
	return strings.TrimSpace(incident) != "", incident, err
}

// IncidentURL returns a source that says that there is an incident while a page is
// there: 200 is an incident, and 404 is none. Where the page is a JSON object, it has
// to say so itself, and may say what it is:
//
//	{"incident": true, "reason": "checkout is down"}
//
// Any other answer, and none within two seconds, is an error of Read: nobody knows. An
// error shows the URL without its secrets.
func IncidentURL(url string) SwitchSource {
	return &incidentURL{url: url, client: httpx.Client{Timeout: 2 * time.Second, Attempts: 1, MaxBody: 1 << 20, OpenAfter: -1}}
}

type incidentURL struct {
	url    string
	client httpx.Client
}

// Name says that it is a page, and not which: its URL may hold a secret.
func (u *incidentURL) Name() string { return "incident page" }

func (u *incidentURL) Read(ctx context.Context) (bool, string, error) {
	resp, err := u.client.Get(ctx, u.url)
	if status := (*httpx.StatusError)(nil); errors.As(err, &status) && status.Status == http.StatusNotFound {
		return false, "", nil
	}
	if err != nil {
		return false, "", err
	}
	body := bytes.TrimSpace(resp.Body)
	if len(body) == 0 || body[0] != '{' {
		if strings.Contains(resp.Header.Get("Content-Type"), "json") {
			return false, "", errors.New("the page is JSON, but no object")
		}
		return true, "the page is there", nil
	}
	var page struct {
		Incident *bool  `json:"incident"`
		Reason   string `json:"reason"`
	}
	if err := json.Unmarshal(body, &page); err != nil {
		return false, "", fmt.Errorf("the page is no JSON object: %w", err)
	}
	if page.Incident == nil {
		return false, "", errors.New(`the page does not say "incident": true or false`)
	}
	if *page.Incident && plainText(page.Reason) == "" {
		page.Reason = "the page gives no reason"
	}
	return *page.Incident, page.Reason, nil
}
