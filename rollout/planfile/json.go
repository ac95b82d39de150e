package planfile

import (
	"encoding/json"
	"strconv"
	"unicode/utf16"
)

// fromJSON returns JSON as YAML takes it, and other text as it is. YAML forbids the tabs
// that JSON may be indented with, and lacks two of its escapes. Lines stay where they are.
func fromJSON(text []byte) []byte {
	if !json.Valid(text) {
		return text
	}
	out := make([]byte, 0, len(text))
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == '\t': // never within a string
			out = append(out, ' ')
		case text[i] != '\\':
			out = append(out, text[i])
		case text[i+1] == '/':
			i++
			out = append(out, '/')
		case text[i+1] == 'u' && i+12 <= len(text) && utf16.IsSurrogate(unit(text[i+2:])):
			out = append(out, string(utf16.DecodeRune(unit(text[i+2:]), unit(text[i+8:])))...)
			i += 11
		default:
			out = append(out, text[i], text[i+1])
			i++
		}
	}
	return out
}

// unit is what the four hexadecimal digits of an escape stand for, 0 if they are none.
func unit(digits []byte) rune {
	n, err := strconv.ParseUint(string(digits[:4]), 16, 16)
	if err != nil {
		return 0
	}
	return rune(n)
}
