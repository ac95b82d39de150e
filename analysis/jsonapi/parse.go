package jsonapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/tidegate-go/tidegate/analysis"
)

// maxDepth is how deep an answer may be nested.
const maxDepth = 100

// parse reads one JSON document: objects as map[string]any, arrays as []any,
// numbers as json.Number. Of a field that is there twice encoding/json would take
// the last; here it is an error.
func parse(body []byte) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	root, err := value(dec, 0)
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return nil, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("more after the document")
	}
	return root, nil
}

func value(dec *json.Decoder, depth int) (any, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("nested more than %d deep", maxDepth)
	}
	token, err := dec.Token()
	if err != nil {
		return nil, err
	}
	switch token {
	case json.Delim('{'):
		object := make(map[string]any)
		for dec.More() {
			token, err := dec.Token()
			if err != nil {
				return nil, err
			}
			name, _ := token.(string)
			if _, ok := object[name]; ok {
				return nil, fmt.Errorf("the field %s is there twice", quote([]byte(name)))
			}
			if object[name], err = value(dec, depth+1); err != nil {
				return nil, err
			}
		}
		_, err = dec.Token()
		return object, err
	case json.Delim('['):
		array := []any{}
		for dec.More() {
			element, err := value(dec, depth+1)
			if err != nil {
				return nil, err
			}
			array = append(array, element)
		}
		_, err = dec.Token()
		return array, err
	}
	return token, nil
}

// number reads a number of an answer.
func number(v any, at string, stringsToo bool) (float64, error) {
	var text string
	switch v := v.(type) {
	case json.Number:
		text = v.String()
	case string:
		if !stringsToo {
			return 0, fmt.Errorf("a string at %s: set Strings if it is a number", at)
		}
		text = strings.TrimSpace(v)
	case nil:
		return 0, noData(at, "null")
	default:
		return 0, fmt.Errorf("%s at %s: want a number", kind(v), at)
	}
	f, err := strconv.ParseFloat(text, 64)
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return finite(f, at)
	}
	if err != nil || strings.Trim(text, "0123456789+-.eE") != "" {
		return 0, fmt.Errorf("a string at %s that is no number", at)
	}
	return f, nil
}

// finite refuses what can't be compared.
func finite(f float64, at string) (float64, error) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return 0, fmt.Errorf("%w: %v at %s, which is no number (a division by zero?)", analysis.ErrNoData, f, at)
	}
	return f, nil
}

// kind names what was found.
func kind(v any) string {
	switch v.(type) {
	case map[string]any:
		return "an object"
	case []any:
		return "an array"
	case string:
		return "a string"
	case bool:
		return "a boolean"
	case nil:
		return "null"
	}
	return "a number"
}

// isNothing tells whether a field says that there is nothing to say.
func isNothing(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case bool:
		return !v
	case string:
		return v == ""
	case []any:
		return len(v) == 0
	case map[string]any:
		return len(v) == 0
	}
	return false
}

// text writes what was found, for people.
func text(v any) []byte {
	if s, ok := v.(string); ok {
		return []byte(s)
	}
	data, err := json.Marshal(v)
	if err != nil {
		return []byte(kind(v))
	}
	return data
}
