package schemas

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

func (c *canonical) list(members []any, write func(any) error) error {
	c.raw("[")
	for i, member := range members {
		if i > 0 {
			c.raw(",")
		}
		if err := write(member); err != nil {
			return err
		}
	}
	c.raw("]")
	return nil
}

func (c *canonical) raw(s string) { c.out = append(c.out, s...) }

func (c *canonical) quote(s string) {
	c.out, _ = jsontext.AppendQuote(c.out, s) // invalid UTF-8 was replaced when the schema was read
}

func sizeOf(v any) (int64, error) {
	switch n := v.(type) {
	case json.Number:
		return n.Int64()
	case string:
		return strconv.ParseInt(n, 10, 64)
	}
	return 0, errors.New("a fixed type has no size")
}

func fullName(name, namespace string) string {
	if namespace == "" || strings.ContainsRune(name, '.') {
		return name
	}
	return namespace + "." + name
}

func namespaceOf(full string) string {
	if i := strings.LastIndexByte(full, '.'); i >= 0 {
		return full[:i]
	}
	return ""
}

func must(ok bool, otherwise string) error {
	if ok {
		return nil
	}
	return errors.New(otherwise)
}
