package sinks

import "time"

// fill takes records into blocks until the partition stops. A block is offered to
// write when it is due, and goes on growing until write takes it.
func (p *partition) fill() {
	blanks := p.sink.blanks[p.table.name]
	open := blanks.take()
	defer func() { blanks.giveBack(open) }()
	age := time.NewTimer(p.sink.cfg.BlockAge)
	age.Stop()
	defer age.Stop()
	aged, offered := false, false
	for !p.stopped() {
		began := open.count == 0
		full := p.fit(open)
		if began && open.count > 0 {
			aged = false
			age.Reset(p.sink.cfg.BlockAge)
		}
		var handover chan *block
		if full || (aged && open.count > 0 && p.rebuild == nil) {
			handover = p.handover
			if !offered { // once for each block, or write would wait for one that is not due
				offered = true
				p.due <- struct{}{}
			}
		}
		var wake chan struct{}
		if len(p.rest) == 0 {
			wake = p.queue.wake
		}
		select {
		case <-p.stopping:
		case <-age.C:
			aged = true
		case <-wake:
			p.takeIn(p.queue.dequeue())
		case handover <- open:
			open, aged, offered = blanks.take(), false, false
		}
	}
}

// fit moves records into the block while they belong into it, and reports whether
// it is full: by rows or bytes, by the month of its next record, or because it is
// exactly the range that a predecessor announced.
func (p *partition) fit(b *block) (full bool) {
	for len(p.rest) > 0 {
		rec := p.rest[0]
		if p.rebuild != nil && rec.Offset > p.rebuild.Last {
			if p.rebuilt(b) {
				return true
			}
			continue
		}
		if b.announced != nil || p.rebuild == nil && (!b.takes(rec) || p.brimful(b)) {
			return true
		}
		if !p.lookup.await(rec, p.stopping) {
			return false
		}
		offset := rec.Offset
		if b.add(rec) {
			rec.Recycle() // from here on it is another's
		}
		p.rest = p.rest[1:]
		if p.rebuild != nil && offset == p.rebuild.Last && p.rebuilt(b) {
			return true
		}
	}
	return p.brimful(b)
}

// brimful reports whether rows or bytes have reached their bounds. A range that
// is rebuilt has the size it has.
func (p *partition) brimful(b *block) bool {
	if b.announced != nil {
		return true
	}
	if p.rebuild != nil {
		return false
	}
	return b.count >= int64(p.sink.cfg.BlockRows) || b.bytes >= p.limit()
}

// limit is the bytes of a block: what is asked for, and half of the partition's
// share of the memory at most, since one block fills while another is inserted.
func (p *partition) limit() int64 { return min(p.sink.cfg.BlockBytes, p.sink.share()/2) }

// rebuilt ends the rebuilding of an announced range: the block stands for it,
// unless the log holds nothing of it any more.
func (p *partition) rebuilt(b *block) (full bool) {
	announced := p.rebuild
	p.rebuild = nil
	p.takeWhole(false)
	if b.count != announced.Count {
		p.log.Error("the announced range cannot be rebuilt as it was: the log no longer holds all of it",
			"first", announced.First, "last", announced.Last, "announced", announced.Count, "found", b.count)
		p.sink.metrics.lost.WithLabelValues(p.table.name).Add(float64(max(0, announced.Count-b.count)))
	}
	if b.count == 0 {
		return false
	}
	b.announced = announced
	return true
}

// takeIn queues polled records for the block: those that the partition has not
// had. A log that begins after the next offset has lost records that nobody read.
func (p *partition) takeIn(items []fetched) {
	for _, f := range items {
		p.lag.saw(f.highWatermark)
		records := f.records
		if len(records) > 0 && records[0].Offset < p.next && f.highWatermark < p.next {
			p.fail(p.cutOff(p.next, f.highWatermark)) // read anew from its start, and shorter than it was
			return
		}
		for len(records) > 0 && records[0].Offset < p.next {
			p.landed(weight(records[0]))
			records = records[1:]
		}
		if len(records) == 0 {
			continue
		}
		if first := records[0].Offset; p.next >= 0 && f.logStart > p.next && first > p.next {
			p.reportLoss(min(f.logStart, first))
		}
		p.next = records[len(records)-1].Offset + 1
		if len(p.rest) == 0 {
			p.rest = records
		} else {
			p.rest = append(p.rest[:len(p.rest):len(p.rest)], records...)
		}
	}
}

func (p *partition) reportLoss(until int64) {
	p.log.Error("Kafka deleted records before the sink read them: the log begins after the next offset",
		"next", p.next, "log_start", until, "up_to", until-p.next)
	p.sink.metrics.lost.WithLabelValues(p.table.name).Add(float64(until - p.next))
}
