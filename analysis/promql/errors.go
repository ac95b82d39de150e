package promql

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/tidegate-go/tidegate/internal/httpx"
)

// ErrStale is returned when the newest data is older than the window that was
// asked about.
var ErrStale = errors.New("stale data")

// APIError is the server's refusal of a query, in its own words.
type APIError struct {
	// Status is the HTTP status: 400 for a query that does not parse, 422 for one
	// that cannot be executed, 503 for one that took too long.
	Status int
	// Type is the API's errorType, such as bad_data, execution or timeout.
	Type string
	// Msg is what the server says is wrong.
	Msg string
}

// Error implements error. It shows the start of Msg, on one line.
func (e *APIError) Error() string {
	return fmt.Sprintf("the server refused the query: %d %s: %s", e.Status, brief(e.Type), brief(e.Msg))
}

// QueryError says which query of a source brought no sample.
type QueryError struct {
	// Arm is "canary" or "baseline".
	Arm string
	// Field names the setting with the query, such as Events.
	Field string
	// Query is what was asked, empty if it did not come to that.
	Query string
	// Err is what went wrong.
	Err error
}

// Error implements error. It shows the start of the query, on one line.
func (e *QueryError) Error() string {
	text := fmt.Sprintf("promql: %s of the %s: %s", e.Field, e.Arm, strings.TrimPrefix(e.Err.Error(), "promql: "))
	if e.Query != "" {
		text += " (query " + brief(e.Query) + ")"
	}
	return text
}

// Unwrap returns Err.
func (e *QueryError) Unwrap() error { return e.Err }

// maxBrief is how much is shown of a text from outside, in bytes.
const maxBrief = 300

// brief makes text from outside fit for one line: quoted, and cut.
func brief(text string) string {
	if len(text) > maxBrief {
		return strconv.Quote(strings.ToValidUTF8(text[:maxBrief], "")) + "…"
	}
	return strconv.Quote(text)
}

// refusal turns an answer outside 2xx into an APIError if it is one: a proxy in
// between may have answered in the server's place.
func refusal(err error) error {
	var status *httpx.StatusError
	if !errors.As(err, &status) {
		return err
	}
	var e envelope
	if json.Unmarshal(status.Body, &e) != nil || e.Status != "error" {
		if status.Status == http.StatusNotFound {
			return fmt.Errorf("%w: is there a Prometheus at this address?", err)
		}
		return err
	}
	return &APIError{Status: status.Status, Type: e.ErrorType, Msg: e.Error}
}
