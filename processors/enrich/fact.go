package enrich

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"hash/fnv"
	"sync"

	"doustream/platform/stream"
	"doustream/schemas"
)

// codeHash stands for one login code of one session of one app. The code
// itself is a secret; its hash is keyed by what it belongs to and by no secret,
// so that the ledger still knows a code when keys are rotated. A code is long,
// random and lives minutes.
type codeHash [16]byte

// codeHasher makes codeHashes. To make one costs as much as to use it, so that they
// are used again.
type codeHasher struct {
	mac     hash.Hash
	message []byte
	sum     [sha256.Size]byte
}

var codeHashers = sync.Pool{New: func() any { return &codeHasher{mac: hmac.New(sha256.New, []byte("doustream/code/1"))} }}

func hashCode(appID, sessionID string, login *schemas.Login) (h codeHash) {
	kind, code := "code", login.Code
	if code == "" {
		kind, code = "anonymous", login.AnonymousCode
	}
	c := codeHashers.Get().(*codeHasher) //nolint:errcheck // it holds nothing else
	defer codeHashers.Put(c)
	for _, part := range [...]string{appID, sessionID, kind, code} {
		c.message = binary.BigEndian.AppendUint32(c.message, uint32(len(part)))
		c.message = append(c.message, part...)
	}
	c.mac.Reset()
	c.mac.Write(c.message)
	copy(h[:], c.mac.Sum(c.sum[:0]))
	clear(c.message) // a code is a secret
	c.message = c.message[:0]
	return h
}

// fact is what can be read of a record of doustream.sessions without opening
// it: its key and its head. Nothing in it is secret, and reading it costs next
// to nothing, which is what makes the restore of millions quick.
type fact struct {
	session     []byte
	hash        codeHash
	kind        factKind
	attempt     uint8
	layout      layout
	app         uint32 // hash of the app's id
	owner       uint64 // hash of the owner's name
	loginOffset int64
	at          int64 // ms
}

// factKind is the kind that a fact's key names.
type factKind uint8

const (
	factSent     factKind = iota + 1 // a request is about to leave
	factResult                       // the platform answered with a session
	factFailed                       // the code never becomes a session
	factAnnulled                     // that send certainly changed nothing: it may be made again
)

var factNames = [...]string{factSent: "SENT", factResult: "RESULT", factFailed: "FAILED", factAnnulled: "ANNULLED"}

// layout says where the head of a fact stands and what is sealed.
type layout uint8

const (
	// layoutFirst has the head in a header, and in the sealed part a whole
	// schemas.SessionFact. It is read; no fact is written so any more.
	layoutFirst layout = 1
	// layoutSlim has the head before the sealed part, which says no more than
	// the head leaves out and is bound to it: three fifths of the first.
	layoutSlim layout = 2
)

const (
	factHeader = "doustream.fact" // of layoutFirst
	factSize   = 1 + 4 + 8 + 8 + 8
)

// decisive reports whether the fact is the outcome of its code, if no other
// stands before it.
func (f *fact) decisive() bool { return f.kind == factResult || f.kind == factFailed }

// keySize is the length of the record's key.
func (f *fact) keySize() int {
	return len(f.session) + 1 + hex.EncodedLen(len(f.hash)) + 1 + len(factNames[f.kind]) + 2
}

// key appends the record's key; every fact has one of its own.
func (f *fact) key(dst []byte) []byte {
	dst = append(append(dst, f.session...), '|')
	dst = append(hex.AppendEncode(dst, f.hash[:]), '|')
	dst = append(append(dst, factNames[f.kind]...), '|')
	return append(dst, '0'+f.attempt) // up to maxAttempts
}

// appendHead appends the layout and what the key does not say.
func (f *fact) appendHead(dst []byte) []byte {
	dst = append(dst, byte(f.layout))
	dst = binary.BigEndian.AppendUint32(dst, f.app)
	dst = binary.BigEndian.AppendUint64(dst, f.owner)
	dst = binary.BigEndian.AppendUint64(dst, uint64(f.loginOffset))
	return binary.BigEndian.AppendUint64(dst, uint64(f.at))
}

func (f *fact) readHead(head []byte) {
	f.layout = layout(head[0])
	f.app = binary.BigEndian.Uint32(head[1:])
	f.owner = binary.BigEndian.Uint64(head[5:])
	f.loginOffset = int64(binary.BigEndian.Uint64(head[13:]))
	f.at = int64(binary.BigEndian.Uint64(head[21:]))
}

// readFact reads key and head, and answers the sealed part; false means that
// the record is none of ours. The session and the sealed part are the record's.
func readFact(rec *stream.Record) (f fact, sealed []byte, ok bool) {
	head, sealed := factHead(rec), rec.Value
	switch {
	case len(head) == factSize && head[0] == byte(layoutFirst) && len(sealed) > 0:
	case len(head) == 0 && len(sealed) >= factSize && sealed[0] == byte(layoutSlim):
		head, sealed = sealed[:factSize], sealed[factSize:]
	default:
		return fact{}, nil, false
	}
	if !f.readKey(rec.Key) || len(sealed) == 0 && f.decisive() {
		return fact{}, nil, false
	}
	f.readHead(head)
	return f, sealed, true
}

func factHead(rec *stream.Record) []byte {
	for i := range rec.Headers {
		if rec.Headers[i].Key == factHeader {
			return rec.Headers[i].Value
		}
	}
	return nil
}

// readKey takes a key apart from its end: a session's id may hold anything.
func (f *fact) readKey(key []byte) bool {
	n := len(key) - 2
	if n < 0 || key[n] != '|' || key[n+1] < '1' || key[n+1] > '0'+maxAttempts {
		return false
	}
	f.attempt = key[n+1] - '0'
	rest := f.cutKind(key[:n])
	n = len(rest) - hex.EncodedLen(len(f.hash))
	if n < 2 || rest[n-1] != '|' {
		return false
	}
	f.session = rest[:n-1]
	_, err := hex.Decode(f.hash[:], rest[n:])
	return err == nil
}

// cutKind takes the kind off the end of a key; nil: there is none.
func (f *fact) cutKind(key []byte) (rest []byte) {
	for kind, name := range factNames {
		if n := len(key) - len(name) - 1; name != "" && n > 0 && key[n] == '|' && string(key[n+1:]) == name {
			f.kind = factKind(kind)
			return key[:n]
		}
	}
	return nil
}

func hashApp(id string) uint32 {
	h := fnv.New32a()
	h.Write([]byte(id))
	return h.Sum32()
}

func hashOwner(name string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(name))
	return h.Sum64()
}
