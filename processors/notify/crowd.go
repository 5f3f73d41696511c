package notify

// maxOwed bounds the repeats that a state record carries; further ones wait for
// the result, their offsets uncommitted.
const maxOwed = 256

// crowd is the orders of one id that are being taken in: handed over, and their
// offsets not retired. The runtime hands over whole windows before the first of
// them retires, so that each may become a repeat that the record has to carry.
type crowd struct {
	entering int
	waiting  []arrival // for whom the record has no room
}

// join counts an order among those of its id that are being taken in, or has it
// wait, and reports which.
func (t *Task) join(i id, a arrival) bool {
	c := t.crowds[i]
	if c == nil {
		c = &crowd{}
		t.crowds[i] = c
	}
	if c.entering+t.owed(i) >= maxOwed {
		c.waiting = append(c.waiting, a)
		return false
	}
	c.entering++
	return true
}

// owed is how many repeats an id's record carries.
func (t *Task) owed(i id) int {
	if n := t.live[i]; n != nil {
		return len(n.owed)
	}
	return 0
}

// letIn hands over those of an id that there is room for now.
func (t *Task) letIn(i id) {
	c := t.crowds[i]
	if c == nil {
		return
	}
	for len(c.waiting) > 0 && c.entering+t.owed(i) < maxOwed {
		a := c.waiting[0]
		c.waiting[0] = arrival{}
		c.waiting = c.waiting[1:]
		t.handle(a)
	}
	if c.entering == 0 && len(c.waiting) == 0 {
		delete(t.crowds, i)
	}
}
