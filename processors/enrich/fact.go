package enrich

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash/fnv"
	"strconv"

	"doustream/platform/stream"
	"doustream/schemas"
)

// codeHash stands for one login code of one session of one app. The code
// itself is a secret; its hash is keyed by what it belongs to and by no secret,
// so that the ledger still knows a code when keys are rotated. A code is long,
// random and lives minutes.
type codeHash [16]byte

func hashCode(appID, sessionID string, login *schemas.Login) codeHash {
	kind, code := "code", login.Code
	if code == "" {
		kind, code = "anonymous", login.AnonymousCode
	}
	mac := hmac.New(sha256.New, []byte("doustream/code/1"))
	for _, part := range []string{appID, sessionID, kind, code} {
		var size [4]byte
		binary.BigEndian.PutUint32(size[:], uint32(len(part)))
		mac.Write(size[:])
		mac.Write([]byte(part))
	}
	var h codeHash
	copy(h[:], mac.Sum(nil))
	return h
}

// fact is what can be read of a record of doustream.sessions without opening
// it: its key and the header beside the sealed value. Nothing in it is secret,
// and reading it costs next to nothing, which is what makes the restore of
// millions quick.
type fact struct {
	session     []byte
	hash        codeHash
	kind        factKind
	attempt     uint8
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

const (
	factHeader  = "doustream.fact"
	factVersion = 1
	factSize    = 1 + 4 + 8 + 8 + 8
)

// decisive reports whether the fact is the outcome of its code, if no other
// stands before it.
func (f *fact) decisive() bool { return f.kind == factResult || f.kind == factFailed }

// key is the record's key; every fact has one of its own.
func (f *fact) key(dst []byte) []byte {
	dst = append(append(dst, f.session...), '|')
	dst = append(hex.AppendEncode(dst, f.hash[:]), '|')
	dst = append(append(dst, factNames[f.kind]...), '|')
	return strconv.AppendUint(dst, uint64(f.attempt), 10)
}

func (f *fact) header() []byte {
	b := make([]byte, 0, factSize)
	b = append(b, factVersion)
	b = binary.BigEndian.AppendUint32(b, f.app)
	b = binary.BigEndian.AppendUint64(b, f.owner)
	b = binary.BigEndian.AppendUint64(b, uint64(f.loginOffset))
	return binary.BigEndian.AppendUint64(b, uint64(f.at))
}

// readFact reads key and header; false means that the record is none of ours.
// The session's bytes are the record's.
func readFact(rec *stream.Record) (f fact, ok bool) {
	head := factHead(rec)
	if len(rec.Value) == 0 || len(head) != factSize || head[0] != factVersion || !f.readKey(rec.Key) {
		return fact{}, false
	}
	f.app = binary.BigEndian.Uint32(head[1:])
	f.owner = binary.BigEndian.Uint64(head[5:])
	f.loginOffset = int64(binary.BigEndian.Uint64(head[13:]))
	f.at = int64(binary.BigEndian.Uint64(head[21:]))
	return f, true
}

func factHead(rec *stream.Record) []byte {
	for i := range rec.Headers {
		if rec.Headers[i].Key == factHeader {
			return rec.Headers[i].Value
		}
	}
	return nil
}

func (f *fact) readKey(key []byte) bool {
	rest, attempt, ok := cutLast(key)
	rest, kind, ok2 := cutLast(rest)
	session, hash, ok3 := cutLast(rest)
	if !ok || !ok2 || !ok3 || len(session) == 0 || len(hash) != hex.EncodedLen(len(f.hash)) {
		return false
	}
	if _, err := hex.Decode(f.hash[:], hash); err != nil {
		return false
	}
	for i, name := range factNames {
		if name != "" && name == string(kind) {
			f.kind = factKind(i)
		}
	}
	n, err := strconv.ParseUint(string(attempt), 10, 8)
	f.session, f.attempt = session, uint8(n)
	return err == nil && f.kind != 0 && n >= 1 && n <= maxAttempts
}

func cutLast(b []byte) (before, after []byte, ok bool) {
	i := bytes.LastIndexByte(b, '|')
	if i < 0 {
		return nil, nil, false
	}
	return b[:i], b[i+1:], true
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
