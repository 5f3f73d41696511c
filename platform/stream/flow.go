package stream

import "sync"

// flow counts what a topic-partition holds from its fetch until its commit,
// and says when to pause and resume it (I9). It resumes at half, so that the
// client is not told at every record. One fetch may stand above the bound.
// Safe for concurrent use.
type flow struct {
	maxRecords int
	maxBytes   int64

	mu      sync.Mutex
	records int
	bytes   int64
	paused  bool
}

// add counts records in and reports whether the partition is to be paused now.
func (f *flow) add(records int, bytes int64) (pause bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.records += records
	f.bytes += bytes
	if f.paused || f.records < f.maxRecords && f.bytes < f.maxBytes {
		return false
	}
	f.paused = true
	return true
}

// sub counts records out and reports whether the partition is to be resumed.
func (f *flow) sub(records int, bytes int64) (resume bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.records -= records
	f.bytes -= bytes
	if !f.paused || f.records > f.maxRecords/2 || f.bytes > f.maxBytes/2 {
		return false
	}
	f.paused = false
	return true
}

func (f *flow) isPaused() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.paused
}

func (f *flow) held() (records int, bytes int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.records, f.bytes
}
