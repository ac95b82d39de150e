package jsonapi

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/tidegate-go/tidegate/internal/httpx"
)

// secrets are what was sent in the headers of one call. A server that does not
// like a key may repeat it.
type secrets struct {
	mu  sync.Mutex
	all []string
}

type secretsKey struct{}

// watchSecrets has authorize note what is sent.
func watchSecrets(ctx context.Context) (context.Context, *secrets) {
	s := new(secrets)
	return context.WithValue(ctx, secretsKey{}, s), s
}

// authorize signs one request, and notes its secrets.
func (s *Source) authorize(req *http.Request) error {
	if s.Authorize != nil {
		if err := s.Authorize(req); err != nil {
			return err
		}
	}
	if noted, ok := req.Context().Value(secretsKey{}).(*secrets); ok {
		noted.note(req.Header)
	}
	return nil
}

// note keeps each value, and its words: a token is repeated without its "Bearer".
func (s *secrets) note(header http.Header) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, values := range header {
		if name == "User-Agent" || name == "Accept" || name == "Content-Type" {
			continue
		}
		for _, value := range values {
			s.all = append(s.all, value)
			s.all = append(s.all, strings.Fields(value)...)
		}
	}
	slices.SortFunc(s.all, func(a, b string) int { return len(b) - len(a) })
	s.all = slices.Compact(s.all)
}

// scrub blots the secrets out. Those of less than four bytes are too common to
// be any.
func (s *secrets) scrub(text []byte) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, secret := range s.all {
		if len(secret) >= 4 {
			text = bytes.ReplaceAll(text, []byte(secret), []byte("[redacted]"))
		}
	}
	return text
}

// scrubError blots the secrets out of what the server said.
func (s *secrets) scrubError(err error) error {
	var status *httpx.StatusError
	if !errors.As(err, &status) {
		return err
	}
	clean := *status
	clean.Body = s.scrub(status.Body)
	return &clean
}

// quote makes text from outside fit for one line: quoted, and cut.
func quote(text []byte) string {
	const most = 120
	if len(text) > most {
		return strconv.Quote(strings.ToValidUTF8(string(text[:most]), "")) + "…"
	}
	return strconv.Quote(string(text))
}
