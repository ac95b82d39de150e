package guardrails

import (
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// A SwitchRecord is one trip or one reset of a KillSwitch.
type SwitchRecord struct {
	At time.Time `json:"at"`
	// Tripped is true for a trip and false for a reset.
	Tripped bool `json:"tripped"`
	// Actor is who did it: a human or a program, or the source's name.
	Actor string `json:"actor"`
	// Reason says why.
	Reason string `json:"reason"`
}

// maxRecords bounds what a switch remembers: a program that trips it in a loop
// must not eat the memory of the process that it stops.
const maxRecords = 1000

// Records returns every trip and reset, oldest first. Of more than 1000 the
// oldest are dropped.
func (k *KillSwitch) Records() []SwitchRecord {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clone(k.records)
}

// record stamps and keeps r. The caller holds mu.
func (k *KillSwitch) record(r SwitchRecord) SwitchRecord {
	r.At = time.Now().UTC()
	if len(k.records) >= maxRecords {
		k.records = slices.Delete(k.records, 0, len(k.records)-maxRecords+1)
	}
	k.records = append(k.records, r)
	return r
}

// sign makes sure that somebody answers for what is done.
func sign(actor, reason string) (string, string, error) {
	actor, reason = plainText(actor), plainText(reason)
	if actor == "" || reason == "" {
		return "", "", ErrUnsigned
	}
	return actor, reason, nil
}

// maxText is how long an actor or a reason may be, in bytes.
const maxText = 1024

// plainText makes one line of what somebody wrote, fit for a log and a
// terminal: bounded, valid UTF-8, without control characters.
func plainText(s string) string {
	s = strings.ToValidUTF8(s[:min(len(s), maxText)], "")
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) || r == utf8.RuneError {
			return ' '
		}
		return r
	}, s)
	return strings.Join(strings.Fields(s), " ")
}
