package filejournal

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"strconv"
)

// A line is a JSON object, its number and its checksum:
//
//	{ … ,"seq":17,"sum":"0123456789abcdef0123456789abcdef"}
//	└──────── body ─────┘└──────────── tail ───────────────┘
const (
	seqKey  = `,"seq":`
	sumKey  = `,"sum":"`
	sumLen  = 32
	lineEnd = `"}`
	tailLen = len(sumKey) + sumLen + len(lineEnd)
)

// checksum computes sums: 32 hex digits over the sum before and a body.
type checksum struct {
	digest hash.Hash
	raw    [sha256.Size]byte
	hex    [sumLen]byte
}

// of returns the sum, which is valid until the next call.
func (c *checksum) of(before, body []byte) []byte {
	if c.digest == nil {
		c.digest = sha256.New()
	}
	c.digest.Reset()
	c.digest.Write(before)
	c.digest.Write(body)
	hex.Encode(c.hex[:], c.digest.Sum(c.raw[:0])[:sumLen/2])
	return c.hex[:]
}

// cut splits a line, without its newline, into body and sum.
func cut(line []byte) (body, sum []byte, ok bool) {
	end := len(line) - tailLen
	if end < 1 || string(line[end:end+len(sumKey)]) != sumKey || string(line[len(line)-len(lineEnd):]) != lineEnd {
		return nil, nil, false
	}
	return line[:end], line[end+len(sumKey) : len(line)-len(lineEnd)], true
}

// chain is where a file's lines have got to: what the next one builds on. The
// zero chain is before the first line.
type chain struct {
	seq  uint64
	sum  []byte
	hash checksum
	due  []byte // scratch
}

// seal appends the JSON object to dst as the next line, newline included.
func (c *chain) seal(dst, object []byte) []byte {
	start := len(dst)
	c.seq++
	dst = append(dst, object[:len(object)-1]...)
	dst = append(dst, seqKey...)
	dst = strconv.AppendUint(dst, c.seq, 10)
	c.sum = append(c.sum[:0], c.hash.of(c.sum, dst[start:])...)
	dst = append(dst, sumKey...)
	dst = append(dst, c.sum...)
	return append(dst, lineEnd+"\n"...)
}

// check takes the next line, without its newline. It returns what is wrong with
// it, and then stays where it is, or nothing.
func (c *chain) check(line []byte) (reason string) {
	body, sum, ok := cut(line)
	if !ok {
		return "it does not end in a checksum"
	}
	c.due = strconv.AppendUint(append(c.due[:0], seqKey...), c.seq+1, 10)
	if !bytes.HasSuffix(body, c.due) {
		number := body[max(0, len(body)-len(seqKey)-20):]
		if i := bytes.LastIndex(number, []byte(seqKey)); i >= 0 {
			number = number[i+len(seqKey):]
		}
		return fmt.Sprintf("its sequence number is %q where %d is due", number, c.seq+1)
	}
	if !bytes.Equal(sum, c.hash.of(c.sum, body)) {
		return "its checksum does not fit: it was changed, or does not follow the line before"
	}
	c.seq++
	c.sum = append(c.sum[:0], sum...)
	return ""
}
