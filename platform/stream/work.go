package stream

// workItem is work of the processor that a task asked for.
type workItem struct{ f, then func() }

func (l *loop) work(f, then func()) { l.works = append(l.works, workItem{f, then}) }

// submitWork hands the work of one round to the workers in chunks, so that a
// busy loop pays for a wake-up per chunk rather than per record.
func (l *loop) submitWork() {
	if len(l.works) == 0 {
		return
	}
	items := l.works
	l.works = nil
	size := min(64, max(1, len(items)/l.session.workerCount))
	var jobs []func()
	for len(items) > 0 {
		chunk := items[:min(size, len(items))]
		items = items[len(chunk):]
		jobs = append(jobs, func() { l.runWork(chunk) })
	}
	l.session.workers.submit(jobs...)
}

func (l *loop) runWork(items []workItem) {
	for _, item := range items {
		item.f()
	}
	l.post(func() {
		for _, item := range items {
			if item.then != nil {
				item.then()
			}
		}
	})
}
