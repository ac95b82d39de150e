package execdeploy

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// However a text is cut into writes, what comes out is the same, and has no secret.
func TestMaskProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		secrets := rapid.SliceOfN(rapid.StringMatching(`[ab]{1,4}`), 0, 3).Draw(t, "secrets")
		text := rapid.StringMatching(`[abc]{0,40}`).Draw(t, "text")
		whole, pieces := "", ""
		m := newMask(secrets, func(b []byte) { whole += string(b) })
		m.write([]byte(text))
		m.close()
		m = newMask(secrets, func(b []byte) { pieces += string(b) })
		for rest := text; rest != ""; {
			n := rapid.IntRange(1, len(rest)).Draw(t, "n")
			m.write([]byte(rest[:n]))
			rest = rest[n:]
		}
		m.close()
		if whole != pieces {
			t.Fatalf("%q in one piece, %q in several", whole, pieces)
		}
		for _, part := range strings.Split(whole, masked) {
			for _, s := range secrets {
				if strings.Contains(part, s) {
					t.Fatalf("%q of %q shows %q", whole, text, s)
				}
			}
		}
	})
}

// Nothing is held back that can't be the beginning of a secret.
func TestMaskHoldsNothingUp(t *testing.T) {
	out := ""
	m := newMask([]string{"sesame"}, func(b []byte) { out += string(b) })
	m.write([]byte("open ses"))
	require.Equal(t, "open ", out)
	m.write([]byte("t"))
	require.Equal(t, "open sest", out)
	m.write([]byte("sesame"))
	require.Equal(t, "open sest"+masked, out)
}
