package kayenta

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
)

// reader takes values of known types out of JSON, and notes where they are not. A
// null is the same as nothing.
type reader struct{ problems []error }

const mostProblems = 100

func (r *reader) report(path, format string, args ...any) {
	if len(r.problems) < mostProblems {
		r.problems = append(r.problems, &ConfigError{Path: path, Msg: fmt.Sprintf(format, args...)})
	}
}

func (r *reader) object(path string, v any) map[string]any {
	return as[map[string]any](r, path, v, "an object")
}

func (r *reader) list(path string, v any) []any { return as[[]any](r, path, v, "a list") }

func (r *reader) text(path string, v any) string { return as[string](r, path, v, "text") }

func (r *reader) flag(path string, v any) bool { return as[bool](r, path, v, "true or false") }

// number returns nil for nothing.
func (r *reader) number(path string, v any) *float64 {
	n := as[json.Number](r, path, v, "a number")
	if n == "" {
		return nil
	}
	f, err := strconv.ParseFloat(n.String(), 64)
	if err != nil || math.IsInf(f, 0) {
		r.report(path, "is too large a number")
		return nil
	}
	return &f
}

func as[T any](r *reader, path string, v any, want string) (value T) {
	if v == nil {
		return value
	}
	value, ok := v.(T)
	if !ok {
		r.report(path, "is %s: want %s", kind(v), want)
	}
	return value
}

// kind says what a value is.
func kind(v any) string {
	switch v.(type) {
	case map[string]any:
		return "an object"
	case []any:
		return "a list"
	case string:
		return "text"
	case bool:
		return "true or false"
	case json.Number:
		return "a number"
	default:
		return "null"
	}
}
