package stream

import "sync"

// mailbox queues functions for one goroutine. It is unbounded by itself: what
// is posted is bounded by the windows and by what a task has under way.
type mailbox struct {
	mu     sync.Mutex
	items  []func()
	closed bool
	wake   chan struct{} // holds one signal
}

func newMailbox() *mailbox { return &mailbox{wake: make(chan struct{}, 1)} }

// post queues f and reports whether it will be called. It never blocks.
func (m *mailbox) post(f func()) bool {
	m.mu.Lock()
	if m.closed {
		m.mu.Unlock()
		return false
	}
	m.items = append(m.items, f)
	first := len(m.items) == 1
	m.mu.Unlock()
	if first {
		select {
		case m.wake <- struct{}{}:
		default:
		}
	}
	return true
}

// take hands over everything that is queued; spare is reused for what comes.
func (m *mailbox) take(spare []func()) []func() {
	m.mu.Lock()
	items := m.items
	m.items = spare[:0]
	m.mu.Unlock()
	return items
}

// close refuses further posts and hands over what was accepted.
func (m *mailbox) close() []func() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	items := m.items
	m.items = nil
	return items
}
