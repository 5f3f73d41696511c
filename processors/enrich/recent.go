package enrich

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"sync/atomic"
	"unsafe"

	"doustream/schemas"
)

// recent remembers the sessions that were opened last, so that the events of
// one visit, which come close together, derive the key of its record once. The
// copies are sealed too, under one key that lives in this process alone: a
// tenth of the price. A slot holds one session; another takes its place. The
// task's loop alone uses it.
type recent struct{ slots [recentSlots]remembered }

const recentSlots = 8192 // about 2 MB a task

type remembered struct {
	at     place
	sealed []byte
}

func (r *recent) find(at place) []byte {
	if s := &r.slots[at.slot()]; s.at == at {
		return s.sealed
	}
	return nil
}

func (r *recent) keep(at place, sealed []byte) { r.slots[at.slot()] = remembered{at, sealed} }

func (p place) slot() uint64 { return uint64(p) * 0x9e3779b97f4a7c15 >> 51 }

// memorySealer seals what stays in memory. Safe for concurrent use.
type memorySealer struct {
	aead  cipher.AEAD
	count atomic.Uint64 // nonces used
}

func newMemorySealer() (*memorySealer, error) {
	var key [32]byte
	rand.Read(key[:]) // never fails
	block, err := aes.NewCipher(key[:])
	if err != nil {
		return nil, fmt.Errorf("make the memory's cipher: %w", err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("make the memory's cipher: %w", err)
	}
	return &memorySealer{aead: aead}, nil
}

const memoryNonce = 12

// seal keeps of a session what events need.
func (m *memorySealer) seal(f *schemas.SessionFact) []byte {
	fields := [...]string{f.AppID, f.SessionKey, f.OpenID, f.UnionID, f.AnonymousOpenID}
	size := 0
	for _, s := range fields {
		size += 2 + len(s)
	}
	plain := make([]byte, 0, size)
	for _, s := range fields {
		plain = append(binary.BigEndian.AppendUint16(plain, uint16(len(s))), s...)
	}
	out := make([]byte, memoryNonce, memoryNonce+size+m.aead.Overhead())
	binary.BigEndian.PutUint64(out, m.count.Add(1))
	out = m.aead.Seal(out, out, plain, nil)
	clear(plain)
	return out
}

var errMemory = errors.New("open a remembered session: not what was sealed")

func (m *memorySealer) open(sealed []byte) (f schemas.SessionFact, err error) {
	if len(sealed) < memoryNonce {
		return f, errMemory
	}
	plain, err := m.aead.Open(nil, sealed[:memoryNonce], sealed[memoryNonce:], nil)
	if err != nil {
		return f, errMemory
	}
	text := unsafe.String(unsafe.SliceData(plain), len(plain)) // the fields share it; nobody else has it
	for _, field := range []*string{&f.AppID, &f.SessionKey, &f.OpenID, &f.UnionID, &f.AnonymousOpenID} {
		if len(text) < 2 {
			return schemas.SessionFact{}, errMemory
		}
		n := 2 + int(text[0])<<8 + int(text[1])
		if len(text) < n {
			return schemas.SessionFact{}, errMemory
		}
		*field, text = text[2:n], text[n:]
	}
	return f, nil
}
