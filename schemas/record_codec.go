package schemas

import "fmt"

// recordCodec encodes and decodes one record type in single-object framing:
// the newest version by hand, every older one through goavro, which the tests
// hold the hand-written halves against, byte for byte.
type recordCodec[T any] struct {
	name  string
	write func([]byte, *T) []byte
	read  func(*avroReader, *T)
	from  func(native) T
}

// encode appends v in single-object framing.
func (c recordCodec[T]) encode(dst []byte, v *T) ([]byte, error) {
	if dst == nil {
		dst = make([]byte, 0, 512) // what most records fit in
	}
	return c.write(appendSingleObject(dst, newest[c.name].Fingerprint), v), nil
}

// decode reads a value in single-object framing, of any version ever shipped.
// Bytes of the record alias value, texts do not.
func (c recordCodec[T]) decode(value []byte) (v T, err error) {
	if f, _ := framingOf(value); f != framingSingleObject {
		return v, fmt.Errorf("decode %s: %w", c.name, errUnknownFraming)
	}
	fingerprint, body, err := cutSingleObject(value)
	if err == nil {
		v, err = c.decodeVersion(fingerprint, body)
	}
	if err != nil {
		var zero T
		return zero, fmt.Errorf("decode %s: %w", c.name, err)
	}
	return v, nil
}

// decodeVersion reads a body under the version that a fingerprint names.
func (c recordCodec[T]) decodeVersion(fingerprint uint64, body []byte) (v T, err error) {
	if fingerprint == newest[c.name].Fingerprint {
		r := readAvro(body)
		c.read(&r, &v)
		return v, r.end()
	}
	version, ok := byPrint[fingerprint]
	if !ok || version.Name != c.name {
		return v, errSchemaUnknown
	}
	codec, err := version.compile()
	if err != nil {
		return v, fmt.Errorf("compile schema: %w", err)
	}
	n, err := decodeNative(codec, body)
	if err != nil {
		return v, err
	}
	return c.from(n), nil
}
