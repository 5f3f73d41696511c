package schemas

import (
	"fmt"
)

// recordCodec encodes and decodes one record type through goavro, in
// single-object framing.
type recordCodec[T any] struct {
	name string
	to   func(*T) map[string]any
	from func(native) T
}

// encode appends v in single-object framing.
func (c recordCodec[T]) encode(dst []byte, v *T) ([]byte, error) {
	return c.body(appendSingleObject(dst, newest[c.name].Fingerprint), v)
}

// body appends v without framing.
func (c recordCodec[T]) body(dst []byte, v *T) ([]byte, error) {
	codec, err := newest[c.name].compile()
	if err != nil {
		return dst, fmt.Errorf("compile schema %s: %w", c.name, err)
	}
	out, err := codec.BinaryFromNative(dst, c.to(v))
	if err != nil {
		// goavro's error quotes the datum.
		return dst, fmt.Errorf("encode %s: %w", c.name, errSchema)
	}
	return out, nil
}

// decode reads a value in single-object framing, of any version ever shipped.
func (c recordCodec[T]) decode(value []byte) (T, error) {
	var zero T
	fingerprint, body, err := cutSingleObjectOf(value)
	if err != nil {
		return zero, fmt.Errorf("decode %s: %w", c.name, err)
	}
	return c.decodeBody(fingerprint, body)
}

func (c recordCodec[T]) decodeBody(fingerprint uint64, body []byte) (T, error) {
	var zero T
	version, ok := shippedAs(c.name, fingerprint)
	if !ok {
		return zero, fmt.Errorf("decode %s: %w", c.name, errSchemaUnknown)
	}
	codec, err := version.compile()
	if err != nil {
		return zero, fmt.Errorf("compile schema %s: %w", c.name, err)
	}
	n, err := decodeNative(codec, body)
	if err != nil {
		return zero, fmt.Errorf("decode %s: %w", c.name, err)
	}
	return c.from(n), nil
}

func cutSingleObjectOf(value []byte) (fingerprint uint64, body []byte, err error) {
	if f, _ := framingOf(value); f != framingSingleObject {
		return 0, nil, errUnknownFraming
	}
	return cutSingleObject(value)
}
