package schemas

// maxDepth bounds how deep objects and arrays may nest in foreign JSON; what
// the tt.* calls answer nests three deep.
const maxDepth = 64

// validateJSON checks that data is one JSON value and nothing else: by RFC
// 8259, in UTF-8, no name twice in an object, no deeper than maxDepth. Its
// errors say nothing of the input. It allocates for what no usual event has:
// names with escapes, objects of very many names, deep nesting.
//
// Every event of every topic passes through here; jsontext, which the tests
// check it against, takes twice as long.
func validateJSON(data []byte) error {
	c := jsonChecker{data: data}
	if err := c.value(c.next()); err != nil {
		return err
	}
	if c.next(); c.pos < len(c.data) {
		return errTrailing
	}
	return nil
}

// jsonChecker walks JSON front to back.
type jsonChecker struct {
	data  []byte
	pos   int
	depth int
	names [fewNames]jsonName // of the objects that are open, one object's after the other's
	known int                // how many there are
}

// next answers the first byte behind space, without taking it; 0 at the end.
func (c *jsonChecker) next() byte {
	for ; c.pos < len(c.data); c.pos++ {
		if b := c.data[c.pos]; b > ' ' || b != ' ' && b != '\t' && b != '\r' && b != '\n' {
			return b
		}
	}
	return 0
}

// value takes the value that begins with first.
func (c *jsonChecker) value(first byte) error {
	switch first {
	case '"':
		_, err := c.text()
		return err
	case '{', '[':
		return c.nested(first)
	case 't':
		return c.word("true")
	case 'f':
		return c.word("false")
	case 'n':
		return c.word("null")
	case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		return c.number()
	}
	return c.unexpected()
}

// unexpected tells the end from a byte that has no business here.
func (c *jsonChecker) unexpected() error {
	if c.pos >= len(c.data) {
		return errCutShort
	}
	return errNotJSON
}

// nested takes an object or array.
func (c *jsonChecker) nested(first byte) (err error) {
	if c.depth++; c.depth > maxDepth {
		return errTooDeep
	}
	c.pos++
	if first == '{' {
		err = c.object()
	} else {
		err = c.array()
	}
	c.depth--
	return err
}

func (c *jsonChecker) array() error {
	b := c.next()
	if b == ']' {
		c.pos++
		return nil
	}
	for {
		if err := c.value(b); err != nil {
			return err
		}
		switch c.next() {
		case ']':
			c.pos++
			return nil
		case ',':
			c.pos++
			b = c.next()
		default:
			return c.unexpected()
		}
	}
}

func (c *jsonChecker) object() error {
	names := objectNames{first: c.known}
	b := c.next()
	if b == '}' {
		c.pos++
		return nil
	}
	for {
		if err := c.member(b, &names); err != nil {
			return err
		}
		switch c.next() {
		case '}':
			c.pos++
			c.known = names.first
			return nil
		case ',':
			c.pos++
			b = c.next()
		default:
			return c.unexpected()
		}
	}
}

func (c *jsonChecker) member(first byte, names *objectNames) error {
	if first != '"' {
		return c.unexpected()
	}
	start := c.pos
	escaped, err := c.text()
	if err != nil {
		return err
	}
	if !names.add(c, jsonName{uint32(start), uint32(c.pos), escaped}) {
		return errDuplicate
	}
	if c.next() != ':' {
		return c.unexpected()
	}
	c.pos++
	return c.value(c.next())
}
