package stream

// twoFuncs are a Job of two functions.
type twoFuncs struct{ f, then func() }

func (j twoFuncs) Work() { j.f() }

func (j twoFuncs) Worked() {
	if j.then != nil {
		j.then()
	}
}

func (l *loop) do(job Job) { l.works = append(l.works, job) }

func (l *loop) work(f, then func()) { l.do(twoFuncs{f, then}) }

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

func (l *loop) runWork(jobs []Job) {
	for _, job := range jobs {
		job.Work()
	}
	l.post(func() {
		for _, job := range jobs {
			job.Worked()
		}
	})
}
