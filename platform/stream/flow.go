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

// full reports whether there is no room. The caller holds mu.
func (f *flow) full() bool { return f.records >= f.maxRecords || f.bytes >= f.maxBytes }

// add counts records in and reports whether there is no room for more and the
// partition goes on being fetched all the same.
func (f *flow) add(records int, bytes int64) (full bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.records += records
	f.bytes += bytes
	return f.full() && !f.paused
}

// pause reports whether the partition is to be paused now: there is no room
// still.
func (f *flow) pause() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.paused || !f.full() {
		return false
	}
	f.paused = true
	return true
}

// sub counts records out and reports whether the partition is to be resumed,
// and, of one that was not paused, whether there is room again.
func (f *flow) sub(records int, bytes int64) (resume, room bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	wasFull := f.full()
	f.records -= records
	f.bytes -= bytes
	if !f.paused {
		return false, wasFull && !f.full()
	}
	f.paused = f.records > f.maxRecords/2 || f.bytes > f.maxBytes/2
	return !f.paused, false
}

// hasRoom reports whether a partition that goes on being fetched has room.
func (f *flow) hasRoom() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return !f.full()
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
