package main

import (
	"crypto/sha256"
	"encoding"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"math/rand"
	"time"
)

// Layers are generated while they are sent, so that a layer of any size costs no memory. All layers of a
// run are one pseudo-random pattern, repeated, and differ in their last bytes: the hash of what they
// share is taken once, and the digest of each is known beforehand for the price of its tail.
//
// The pattern is longer than the windows that compressing file systems and zstd look back on.
const (
	patternBytes = 8 << 20
	tailBytes    = 64
)

var (
	pattern    []byte
	hashPrefix []byte // SHA-256 state after the bytes that all layers share
)

type layer struct {
	digest string
	size   int64
	tail   []byte
}

// prepareLayers makes the pattern and hashes the shared part; newLayer is cheap afterwards.
func prepareLayers(seed, size int64) {
	pattern = make([]byte, patternBytes)
	rand.New(rand.NewSource(seed)).Read(pattern)
	h := sha256.New()
	io.Copy(h, prefix(size-tailBytes))
	hashPrefix, _ = h.(encoding.BinaryMarshaler).MarshalBinary()
}

// newLayer is the i-th layer: always the same bytes for the same seed, size and i.
func newLayer(seed, size int64, i int) layer {
	var number [16]byte
	binary.BigEndian.PutUint64(number[:], uint64(seed))
	binary.BigEndian.PutUint64(number[8:], uint64(i))
	sum := sha256.Sum256(number[:])
	tail := append(sum[:], sum[:]...)
	if size < tailBytes {
		tail = tail[:size]
	}
	h := sha256.New()
	h.(encoding.BinaryUnmarshaler).UnmarshalBinary(hashPrefix)
	h.Write(tail)
	return layer{digest: "sha256:" + hex.EncodeToString(h.Sum(nil)), size: size, tail: tail}
}

func (l layer) reader() io.Reader {
	return io.MultiReader(prefix(l.size-tailBytes), &repeated{l.tail, 0, int64(len(l.tail))})
}

func prefix(size int64) io.Reader { return &repeated{pattern, 0, size} }

// repeated reads the same bytes over and over until left is used up.
type repeated struct {
	bytes []byte
	at    int
	left  int64
}

func (r *repeated) Read(p []byte) (int, error) {
	if r.left <= 0 {
		return 0, io.EOF
	}
	if int64(len(p)) > r.left {
		p = p[:r.left]
	}
	k := copy(p, r.bytes[r.at:])
	r.at = (r.at + k) % len(r.bytes)
	r.left -= int64(k)
	return k, nil
}

// paced slows a stream down to a rate: as the body of a push it is a slow sender, around the body of
// a pull a slow reader whose full socket makes the server wait.
type paced struct {
	stream io.Reader
	rate   int64
	start  time.Time
	passed int64
}

func (s *paced) Read(p []byte) (int, error) {
	if s.start.IsZero() {
		s.start = time.Now()
	}
	if limit := 32 << 10; len(p) > limit {
		p = p[:limit]
	}
	k, err := s.stream.Read(p)
	s.passed += int64(k)
	due := time.Duration(float64(s.passed) / float64(s.rate) * float64(time.Second))
	time.Sleep(due - time.Since(s.start))
	return k, err
}

// pace is the stream as the client of the i-th operation handles it: -slow of every -c are slow.
func pace(i int, stream io.Reader) io.Reader {
	if i%*clients >= *slow {
		return stream
	}
	return &paced{stream: stream, rate: *slowRate}
}

func digestOf(b []byte) string { return fmt.Sprintf("sha256:%x", sha256.Sum256(b)) }
