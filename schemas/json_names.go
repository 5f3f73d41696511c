package schemas

import "bytes"

// jsonName is where a member's name stands, quotes included.
type jsonName struct {
	start, end uint32
	escaped    bool
}

// objectNames are the names of one object that is being checked.
type objectNames struct {
	first int             // of the checker's names
	many  map[string]bool // by text, once the checker has no room for more
}

// fewNames is how many names of open objects are kept, and compared one by one:
// what the tt.* calls answer has thirty at most.
const fewNames = 48

// add reports whether the name was not there.
func (o *objectNames) add(c *jsonChecker, n jsonName) bool {
	if c.known == len(c.names) {
		return o.addToMany(c, n)
	}
	for _, other := range c.names[o.first:c.known] {
		if c.sameName(other, n) {
			return false
		}
	}
	c.names[c.known] = n
	c.known++
	return true
}

func (o *objectNames) addToMany(c *jsonChecker, n jsonName) bool {
	if o.many == nil {
		o.many = make(map[string]bool)
		for _, other := range c.names[o.first:c.known] {
			o.many[string(c.nameText(other))] = true
		}
	}
	text := c.nameText(n)
	if o.many[string(text)] {
		return false
	}
	o.many[string(text)] = true
	return true
}

func (c *jsonChecker) sameName(a, b jsonName) bool {
	if !a.escaped && !b.escaped {
		return a.end-a.start == b.end-b.start && string(c.data[a.start:a.end]) == string(c.data[b.start:b.end])
	}
	return bytes.Equal(c.nameText(a), c.nameText(b))
}

func (c *jsonChecker) nameText(n jsonName) []byte { return unquote(c.data[n.start:n.end]) }
