package embedded

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// layoutKind is how a type's values lie in a Native block.
type layoutKind uint8

const (
	fixedLayout layoutKind = iota // width bytes a value
	stringLayout
	nullableLayout       // a byte a value, then of[0]
	arrayLayout          // an offset a value, then of[0] as often as the last offset says
	tupleLayout          // of[0], of[1], …
	lowCardinalityLayout // a dictionary of of[0], then indexes
)

// layout is the shape of one type, as far as its bytes must be walked over.
type layout struct {
	kind  layoutKind
	width int
	of    []*layout
}

func fixed(width int) *layout     { return &layout{kind: fixedLayout, width: width} }
func array(of *layout) *layout    { return &layout{kind: arrayLayout, of: []*layout{of}} }
func tuple(of ...*layout) *layout { return &layout{kind: tupleLayout, of: of} }

// widths are those of the types without parameters.
var widths = map[string]int{
	"UInt8": 1, "Int8": 1, "Bool": 1, "Enum8": 1, "Nothing": 1,
	"UInt16": 2, "Int16": 2, "Date": 2, "Enum16": 2, "BFloat16": 2,
	"UInt32": 4, "Int32": 4, "Float32": 4, "Date32": 4, "DateTime": 4, "IPv4": 4, "Decimal32": 4, "Time": 4,
	"UInt64": 8, "Int64": 8, "Float64": 8, "DateTime64": 8, "Decimal64": 8, "Time64": 8,
	"UInt128": 16, "Int128": 16, "UUID": 16, "IPv6": 16, "Decimal128": 16,
	"UInt256": 32, "Int256": 32, "Decimal256": 32,
}

// maxTypeDepth bounds how deep a type may nest: a foreign type text must not exhaust the stack.
const maxTypeDepth = 32

// parseLayout reads a ClickHouse type: "Array(Tuple(a LowCardinality(String), b UInt8))".
func parseLayout(text string) (*layout, error) { return parseType(text, 0) }

func parseType(text string, depth int) (*layout, error) {
	if depth > maxTypeDepth {
		return nil, fmt.Errorf("type nests deeper than %d", maxTypeDepth)
	}
	name, args := splitType(strings.TrimSpace(text))
	switch name {
	case "String":
		return &layout{kind: stringLayout}, nil
	case "FixedString":
		return fixedString(args)
	case "Decimal":
		return decimal(args)
	case "Nullable", "Array", "LowCardinality":
		return wrapped(name, args, depth)
	case "Tuple", "Nested", "Map":
		return composite(name, args, depth)
	case "SimpleAggregateFunction":
		if len(args) < 2 {
			return nil, fmt.Errorf("type %q has no inner type", text)
		}
		return parseType(args[1], depth+1)
	case "Point":
		return tuple(fixed(8), fixed(8)), nil
	case "Ring", "LineString":
		return array(tuple(fixed(8), fixed(8))), nil
	case "Polygon", "MultiLineString":
		return array(array(tuple(fixed(8), fixed(8)))), nil
	case "MultiPolygon":
		return array(array(array(tuple(fixed(8), fixed(8))))), nil
	}
	if w, ok := widths[name]; ok {
		return fixed(w), nil
	}
	if strings.HasPrefix(name, "Interval") {
		return fixed(8), nil
	}
	return nil, fmt.Errorf("type %q cannot be carried", text)
}

func fixedString(args []string) (*layout, error) {
	if len(args) != 1 {
		return nil, fmt.Errorf("FixedString has %d parameters", len(args))
	}
	n, err := strconv.Atoi(args[0])
	if err != nil || n < 1 || n > 1<<24 {
		return nil, fmt.Errorf("FixedString of %q bytes", args[0])
	}
	return fixed(n), nil
}

// decimal gives the width that ClickHouse chooses for a precision.
func decimal(args []string) (*layout, error) {
	if len(args) == 0 {
		return nil, errors.New("a Decimal without precision")
	}
	precision, err := strconv.Atoi(args[0])
	switch {
	case err != nil || precision < 1 || precision > 76:
		return nil, fmt.Errorf("a Decimal of precision %q", args[0])
	case precision <= 9:
		return fixed(4), nil
	case precision <= 18:
		return fixed(8), nil
	case precision <= 38:
		return fixed(16), nil
	}
	return fixed(32), nil
}

func wrapped(name string, args []string, depth int) (*layout, error) {
	if len(args) != 1 {
		return nil, fmt.Errorf("%s has %d parameters", name, len(args))
	}
	inner, err := parseType(args[0], depth+1)
	if err != nil {
		return nil, err
	}
	switch name {
	case "Nullable":
		return &layout{kind: nullableLayout, of: []*layout{inner}}, nil
	case "Array":
		return array(inner), nil
	}
	if inner.kind == nullableLayout { // the dictionary's first entry stands for NULL; there is no map of nulls
		inner = inner.of[0]
	}
	return &layout{kind: lowCardinalityLayout, of: []*layout{inner}}, nil
}

func composite(name string, args []string, depth int) (*layout, error) {
	elements := make([]*layout, 0, len(args))
	for _, a := range args {
		element, err := parseType(a, depth+1)
		if err != nil && name != "Map" {
			element, err = parseType(afterName(a), depth+1)
		}
		if err != nil {
			return nil, err
		}
		elements = append(elements, element)
	}
	if name == "Tuple" {
		return tuple(elements...), nil
	}
	return array(tuple(elements...)), nil // Map and Nested are arrays of tuples
}

// afterName drops an element's name: of "a UInt8" or "`a b` UInt8" it gives "UInt8".
func afterName(element string) string {
	if strings.HasPrefix(element, "`") {
		return element[min(endOfQuote(element, 0)+1, len(element)):]
	}
	_, rest, _ := strings.Cut(element, " ")
	return rest
}

// splitType cuts "Name(a, b(c, d), 'e,)')" into its name and its parameters, minding quotes and nesting.
func splitType(text string) (name string, args []string) {
	open := strings.IndexByte(text, '(')
	if open < 0 || !strings.HasSuffix(text, ")") {
		return text, nil
	}
	body, depth, start := text[open+1:len(text)-1], 0, 0
	for i := 0; i < len(body); i++ {
		switch c := body[i]; c {
		case '\'', '`':
			i = endOfQuote(body, i)
		case '(':
			depth++
		case ')':
			depth--
		case ',':
			if depth == 0 {
				args = append(args, strings.TrimSpace(body[start:i]))
				start = i + 1
			}
		}
	}
	return text[:open], append(args, strings.TrimSpace(body[start:]))
}

// endOfQuote gives the index of the quote that closes the one at i.
func endOfQuote(s string, i int) int {
	for j := i + 1; j < len(s); j++ {
		switch s[j] {
		case '\\':
			j++
		case s[i]:
			return j
		}
	}
	return len(s)
}
