package rollback

import (
	"bytes"
	"fmt"
	"hash/crc32"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Whatever is read as a line was written as one; and whatever a file has in it is either
// read, or is an error.
func FuzzRegistryLines(f *testing.F) {
	var text []byte
	sum := uint32(0)
	for _, one := range []fact{{Kind: factRegistry, Format: registryFormat, At: day0}, ran(0, "a"), ofBytes(0, "a", "1"), bad(1, "a"), cleared(2, "a")} {
		line, after, err := sealFact(one, sum)
		require.NoError(f, err)
		f.Add(line, sum)
		text, sum = append(text, line...), after
		f.Add(bytes.Clone(text), uint32(0))
	}
	f.Add([]byte(`{"fact":"bad"} {"fact":"bad"},"sum":"00000000"}`), uint32(0))
	f.Fuzz(func(t *testing.T, text []byte, before uint32) {
		if b, err := readBook("versions", text); err == nil {
			require.LessOrEqual(t, b.size, int64(len(text)))
			_ = b.ledger.knownGood("s", hour(100), time.Hour)
			again, err := readBook("versions", text[:b.size])
			require.NoError(t, err, "what is left once the torn line is cut off")
			require.Equal(t, b.size, again.size)
		}
		// Somebody may have taken the trouble to get the checksum right.
		forged := append(bytes.Clone(text), '}')
		forged = fmt.Appendf(text[:len(text):len(text)], "%s%08x\"}\n", sumField, crc32.ChecksumIEEE(forged))
		if b, err := readBook("versions", forged); err == nil {
			_ = b.ledger.knownGood("s", hour(100), time.Hour)
		} else {
			require.ErrorIs(t, err, ErrRegistryCorrupt)
		}

		one, sum, err := parseFact(bytes.TrimSuffix(text, []byte("\n")), before)
		if err != nil {
			return
		}
		sealed, _, err := sealFact(one, before)
		require.NoError(t, err)
		back, _, err := parseFact(bytes.TrimSuffix(sealed, []byte("\n")), before)
		require.NoError(t, err)
		require.Equal(t, one.At.UnixNano(), back.At.UnixNano())
		one.At, back.At = time.Time{}, time.Time{}
		require.Equal(t, one, back)
		_, other, err := parseFact(sealed[:len(sealed)-1], before+1)
		require.Error(t, err, "it belongs after one line only: %08x, %08x", sum, other)
	})
}
