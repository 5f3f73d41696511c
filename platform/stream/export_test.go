package stream

// MostAhead is how many bytes the readers of a session may be ahead of its tasks.
const MostAhead = mostAhead

// Ahead is how many they are.
func (r *Runtime) Ahead() (bytes int64) {
	s := r.current.Load()
	if s == nil {
		return 0
	}
	for _, reader := range s.readers {
		reader.lead.mu.Lock()
		bytes += reader.lead.ahead
		reader.lead.mu.Unlock()
	}
	return bytes
}
