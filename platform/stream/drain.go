package stream

// open begins the task's work once its state is restored.
func (l *loop) open() {
	l.task.Open()
	l.opened.Store(true)
	l.session.log.Info("task open", "partition", l.number, "owner", l.name)
}

// drain stops the handing over of inputs and calls drained, once, when what is
// under way has ended or the task says that it can be left. It is posted.
func (l *loop) drain(drained func()) {
	l.draining = true
	l.drained = append(l.drained, drained)
	if d, ok := l.task.(Draining); ok && l.opened.Load() && !l.drainAsked {
		l.drainAsked = true
		d.Drain(func() { l.drainAnswered = true })
	}
}

// checkDrained ends a drain. It comes after the results of this round were put
// out, so that the last transaction holds them.
func (l *loop) checkDrained() {
	if l.drained == nil {
		return
	}
	over := l.underWay == 0
	if l.drainAsked {
		over = l.drainAnswered
	}
	if !over {
		return
	}
	drained := l.drained
	l.drained = nil
	for _, f := range drained {
		f()
	}
}

// close ends the tenure. It is posted.
func (l *loop) close() { l.closing = true }

// finish runs what was accepted by post, and nothing after.
func (l *loop) finish() {
	for _, f := range l.box.close() {
		f()
	}
	l.closed = true
	for timer := range l.timers {
		timer.Stop()
	}
	l.cancel()
	l.task.Close()
	l.state.end()
}
