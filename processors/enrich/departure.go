package enrich

// judge answers what becomes of an exchange whose SENT stands. It and those below
// are called with limits.mu held.
func (l *limits) judge(p *slotPermit) verdict {
	a := p.app
	switch {
	case a.breaker.open() || a.refused && !p.trial:
		return verdictOff
	case l.underWay >= l.max || float64(a.underWay) >= a.ceiling || !a.knee.admits(a.underWay):
		return verdictWait
	}
	return verdictGo
}

func (l *limits) begin(p *slotPermit) {
	p.stage = permitUnderWay
	l.underWay++
	p.app.underWay++
	p.app.knee.began(p.app.underWay)
	l.metrics.inFlight.Set(float64(l.underWay))
}

func (l *limits) end(p *slotPermit) {
	l.underWay--
	p.app.underWay--
	l.ahead.ended++
	p.app.ahead.ended++
	l.metrics.inFlight.Set(float64(l.underWay))
}

// departures are exchanges that have waited, and what becomes of them.
type departures []departure

type departure struct {
	permit  *slotPermit
	verdict verdict
}

// leaving takes out who waits no more, behind what out holds. It is looked at
// whenever a permit is given back, and who waits does so for one that is under way.
func (l *limits) leaving(out departures) departures {
	l.turn++
	for i := range l.order {
		a := l.order[(l.turn+i)%len(l.order)]
		for len(a.written) > 0 {
			p := a.written[0]
			v := verdictOff
			if p.stage == permitWriting {
				v = l.judge(p)
			}
			if v == verdictWait {
				break
			}
			a.written[0] = nil
			a.written = a.written[1:]
			if p.stage != permitWriting {
				continue
			}
			if v == verdictGo {
				l.begin(p)
			}
			out = append(out, departure{p, v})
		}
	}
	return out
}

// tell is called without the lock. One that nobody makes any more gives its
// permit back.
func (d departures) tell() {
	for _, one := range d {
		if !one.permit.told(one.verdict) {
			one.permit.drop()
		}
	}
}
