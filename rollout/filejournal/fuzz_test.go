package filejournal_test

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/rollout"
	"github.com/tidegate-go/tidegate/rollout/filejournal"
)

// FuzzRead reads any content: it never panics, and an error names the line. It
// reads the same objects sealed, too, so that the fuzzer need not find a
// SHA-256 to get further.
func FuzzRead(f *testing.F) {
	good := filejournal.Seal(nil, `{"at":"2026-07-01T12:00:00Z","kind":"doing","step":"a"}`, `{"at":"2026-07-01T12:00:00Z","kind":"ended"}`)
	f.Add(good)
	f.Add(good[:len(good)-1])
	f.Add(good[:len(good)-50])
	f.Add(bytes.Replace(good, []byte("doing"), []byte("done!"), 1))
	f.Add([]byte("\n"))
	f.Add([]byte(`,"sum":"0123456789abcdef0123456789abcdef"}` + "\n"))
	f.Add([]byte(`{"kind":"started","spec":{"waves":[{"steps":[{"id":"a"}]}]}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		read(t, data)
		objects := bytes.Split(data, []byte("\n"))
		texts := make([]string, 0, len(objects))
		for _, object := range objects {
			texts = append(texts, string(object)+"}")
		}
		read(t, filejournal.Seal(nil, texts...))
	})
}

func read(t *testing.T, data []byte) {
	n := 0
	for _, err := range filejournal.ReadFrom("fuzz.jsonl", bytes.NewReader(data)) {
		n++
		if err == nil {
			continue
		}
		if errors.Is(err, rollout.ErrNewer) {
			require.ErrorContains(t, err, fmt.Sprintf("line %d of fuzz.jsonl", n))
			continue
		}
		var corrupt *filejournal.CorruptError
		require.True(t, errors.As(err, &corrupt), "%v", err)
		require.Equal(t, n, corrupt.Line)
		require.ErrorIs(t, err, rollout.ErrCorrupt)
		require.Contains(t, err.Error(), "fuzz.jsonl:")
	}
	require.LessOrEqual(t, n, bytes.Count(data, []byte("\n"))+1)
}
