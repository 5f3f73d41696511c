package schemas

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Canonical transforms an Avro schema into its Parsing Canonical Form, as the
// Avro specification defines it: primitive types in their short form (which
// drops logical types with the other attributes), full names, only the
// attributes that decide how data is read, in a fixed order, without space.
// Two schemas with one canonical form read the same bytes alike. goavro's own
// form keeps {"type":"long"} where an attribute was dropped and so gives other
// fingerprints than every other implementation.
func Canonical(schema string) (string, error) {
	c, err := canonicalize(schema)
	return string(c.out), err
}

func canonicalize(schema string) (canonical, error) {
	dec := json.NewDecoder(strings.NewReader(schema))
	dec.UseNumber()
	var tree any
	if err := dec.Decode(&tree); err != nil {
		return canonical{}, fmt.Errorf("read schema: %w", err)
	}
	c := canonical{known: make(map[string]bool)}
	if err := c.schema(tree, ""); err != nil {
		return canonical{}, fmt.Errorf("transform schema to canonical form: %w", err)
	}
	return c, nil
}

// canonical is a canonical form in the making.
type canonical struct {
	out       []byte
	known     map[string]bool // named types by full name: true while its definition is open
	recursive bool            // a type holds itself
	depth     int
	name      string // full name of the outermost type, "" when it has none
}

var primitives = map[string]bool{
	"null": true, "boolean": true, "int": true, "long": true, "float": true, "double": true, "bytes": true, "string": true,
}

func (c *canonical) schema(node any, namespace string) error {
	if c.depth++; c.depth > maxDepth {
		return errTooDeep
	}
	defer func() { c.depth-- }()
	switch v := node.(type) {
	case string:
		return c.reference(v, namespace)
	case []any:
		return c.list(v, func(member any) error { return c.schema(member, namespace) })
	case map[string]any:
		return c.complex(v, namespace)
	}
	return errors.New("a schema is neither text, list nor object")
}

// reference writes the name of a primitive or of a type defined before.
func (c *canonical) reference(name, namespace string) error {
	if primitives[name] {
		c.quote(name)
		return nil
	}
	full := fullName(name, namespace)
	open, ok := c.known[full]
	if !ok {
		return errors.New("a name is used before its definition")
	}
	c.recursive = c.recursive || open
	c.quote(full)
	return nil
}

func (c *canonical) complex(v map[string]any, namespace string) error {
	switch kind := v["type"].(type) {
	case string:
		switch kind {
		case "record", "error", "enum", "fixed":
			return c.named(v, kind, namespace)
		case "array":
			return c.container(v, kind, "items", namespace)
		case "map":
			return c.container(v, kind, "values", namespace)
		}
		return c.reference(kind, namespace)
	case nil:
		return errors.New("an object has no type")
	default:
		return c.schema(kind, namespace) // {"type": {…}}: the inner schema is what counts
	}
}

func (c *canonical) container(v map[string]any, kind, attribute, namespace string) error {
	c.raw(`{"type":"` + kind + `","` + attribute + `":`)
	err := c.schema(v[attribute], namespace)
	c.raw("}")
	return err
}

func (c *canonical) named(v map[string]any, kind, enclosing string) error {
	name, _ := v["name"].(string)
	if name == "" {
		return errors.New("a named type has no name")
	}
	if ns, ok := v["namespace"].(string); ok {
		enclosing = ns
	}
	full := fullName(name, enclosing)
	if _, ok := c.known[full]; ok {
		return errors.New("a name is defined twice")
	}
	if c.name == "" && len(c.out) == 0 {
		c.name = full
	}
	c.known[full] = true
	c.raw(`{"name":`)
	c.quote(full)
	c.raw(`,"type":"` + kind + `"`)
	err := c.body(v, kind, namespaceOf(full))
	c.raw("}")
	c.known[full] = false
	return err
}

func (c *canonical) body(v map[string]any, kind, namespace string) error {
	switch kind {
	case "enum":
		c.raw(`,"symbols":`)
		symbols, _ := v["symbols"].([]any)
		return c.list(symbols, func(symbol any) error {
			text, ok := symbol.(string)
			c.quote(text)
			return must(ok, "a symbol is no text")
		})
	case "fixed":
		size, err := sizeOf(v["size"])
		c.raw(`,"size":` + strconv.FormatInt(size, 10))
		return err
	}
	c.raw(`,"fields":`)
	fields, ok := v["fields"].([]any)
	if !ok {
		return errors.New("a record has no fields")
	}
	return c.list(fields, func(member any) error { return c.field(member, namespace) })
}

func (c *canonical) field(member any, namespace string) error {
	f, _ := member.(map[string]any)
	name, ok := f["name"].(string)
	if !ok {
		return errors.New("a field has no name")
	}
	c.raw(`{"name":`)
	c.quote(name)
	c.raw(`,"type":`)
	err := c.schema(f["type"], namespace)
	c.raw("}")
	return err
}
