package rollback

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"time"
)

// registryFormat is the version of the registry's format.
const registryFormat = 1

// factKind is what a line of a registry says.
type factKind string

const (
	factRegistry factKind = "registry" // the first line: the format
	factDeployed factKind = "deployed" // the whole fleet runs a version
	factArtifact factKind = "artifact" // of what bytes that deployment is
	factBad      factKind = "bad"      // a version is not to be deployed
	factCleared  factKind = "cleared"  // it may be deployed after all
)

// fact is one line of a registry: a JSON object, with a checksum as the last field.
type fact struct {
	Kind    factKind  `json:"fact"`
	Format  int       `json:"format,omitempty"`
	At      time.Time `json:"at"`
	Service string    `json:"service,omitempty"`
	Version string    `json:"version,omitempty"`
	Rollout string    `json:"rollout,omitempty"`
	Actor   string    `json:"actor,omitempty"`
	Reason  string    `json:"reason,omitempty"`
	SHA256  string    `json:"sha256,omitempty"`
	Bytes   int64     `json:"bytes,omitempty"`
}

// factStart is what every line of a registry begins with.
const factStart = `{"fact":"`

// sealFact writes a line. Its checksum goes on from that of the line before, which is
// returned for the line after.
func sealFact(f fact, before uint32) (text []byte, sum uint32, err error) {
	f.At = f.At.UTC()
	if text, err = json.Marshal(f); err != nil {
		return nil, 0, err
	}
	sum = crc32.Update(before, crc32.IEEETable, text)
	return fmt.Appendf(text[:len(text)-1], "%s%08x\"}\n", sumField, sum), sum, nil
}

// parseFact reads a line without its end, and checks that it comes after the line with
// the checksum before.
func parseFact(text []byte, before uint32) (f fact, sum uint32, err error) {
	i := bytes.LastIndex(text, []byte(sumField))
	if i < 0 {
		return f, 0, errors.New("it has no checksum")
	}
	body := append(bytes.Clone(text[:i]), '}')
	sum = crc32.Update(before, crc32.IEEETable, body)
	if want := fmt.Sprintf("%s%08x\"}", sumField, sum); string(text[i:]) != want {
		return f, 0, errors.New("its checksum does not fit: it was changed, or does not belong after the line before")
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&f); err != nil {
		return fact{}, 0, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return fact{}, 0, errors.New("there is more than one object on it")
	}
	return f, sum, nil
}

// isTorn tells whether a text without a line end is what a crash may have left of a line:
// its beginning, without the whole of its checksum.
func isTorn(text []byte) bool {
	if !bytes.HasPrefix(text, []byte(factStart)) && !bytes.HasPrefix([]byte(factStart), text) {
		return false
	}
	sealed := bytes.LastIndex(text, []byte(sumField))
	return sealed < 0 || len(text) < sealed+len(sumField)+len(`01234567"}`)
}
