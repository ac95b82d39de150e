package filejournal_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
)

// A power cut can leave any part of the last write. Whatever it leaves, the
// lines before are there, the torn one is not, and the next append works.
func TestTornLastLineIsCutOffAtEveryOffset(t *testing.T) {
	dir := newDir(t)
	record(t, dir, "r", 3)
	path := journalOf(dir, "r")
	whole := content(t, path)
	begin := bytes.LastIndexByte(whole[:len(whole)-1], '\n') + 1
	for end := begin; end < len(whole); end++ {
		put(t, path, whole[:end])

		s := open(t, dir, "r")
		require.Equal(t, hosts(2), steps(t, s), "torn after %d bytes", end)
		require.Equal(t, whole[:begin], content(t, path))
		if end > begin {
			require.Equal(t, whole[begin:end], content(t, path+".torn"), "what is cut off is kept aside")
		} else {
			require.NoFileExists(t, path+".torn")
		}
		appendTo(t, s, step(2))
		closeIt(t, s)
		require.Equal(t, whole, content(t, path), "the same event gives the same line")
	}
}

// A file system may have made the file longer before it had the data.
func TestTornLastLineMayBeZeros(t *testing.T) {
	dir := newDir(t)
	record(t, dir, "r", 2)
	path := journalOf(dir, "r")
	whole := content(t, path)
	put(t, path, append(bytes.Clone(whole), make([]byte, 5000)...))
	s := open(t, dir, "r")
	require.Equal(t, hosts(2), steps(t, s))
	require.Equal(t, whole, content(t, path))
	closeIt(t, s)
}

// Of a batch that was torn, whole lines at its beginning stay: they were not
// acknowledged, and they are true.
func TestTornBatchKeepsWholeLines(t *testing.T) {
	dir := newDir(t)
	s := open(t, dir, "r")
	appendTo(t, s, step(0))
	appendTo(t, s, step(1), step(2), step(3))
	closeIt(t, s)
	path := journalOf(dir, "r")
	whole := content(t, path)
	put(t, path, whole[:len(whole)-20])
	s = open(t, dir, "r")
	require.Equal(t, hosts(3), steps(t, s))
	closeIt(t, s)
}

// Looking on, while a line is being written, sees the lines before it.
func TestReadIgnoresATornLastLine(t *testing.T) {
	dir := newDir(t)
	record(t, dir, "r", 3)
	path := journalOf(dir, "r")
	whole := content(t, path)
	put(t, path, whole[:len(whole)-1])
	n := 0
	for _, err := range dir.Read("r") {
		require.NoError(t, err)
		n++
	}
	require.Equal(t, 2, n)
	require.Equal(t, whole[:len(whole)-1], content(t, path), "and repairs nothing")
}
