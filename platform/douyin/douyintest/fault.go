package douyintest

import (
	"math"
	"time"

	"doustream/platform/douyin"
)

// Mode is a way for the platform to fail.
type Mode string

// The modes. Each can strike before the request has its effect or, with
// Fault.After, behind it: the code is consumed, the message is out.
const (
	ModeErrNo    Mode = "err_no"   // an answer with Fault.ErrNo
	ModeThrottle Mode = "throttle" // an answer with the endpoint's number for too many requests
	ModeHang     Mode = "hang"     // no answer until the client gives up or the faults change
	ModeHTML     Mode = "html"     // status 200 and a page of HTML
	ModeStatus   Mode = "status"   // Fault.Status (default 503) and a page of HTML
	ModeReset    Mode = "reset"    // the connection is reset instead of an answer
	ModeCut      Mode = "cut"      // half an answer, then the connection ends
	ModeRefuse   Mode = "refuse"   // nobody listens (under Serve and Local); else as reset
)

// Fault is a bad day, or a share of one.
type Fault struct {
	Endpoint douyin.Endpoint `json:"endpoint,omitempty"` // empty: all
	AppID    string          `json:"app_id,omitempty"`   // empty: all
	Mode     Mode            `json:"mode"`
	After    bool            `json:"after,omitempty"`
	First    bool            `json:"first,omitempty"` // only the first request for each code
	ErrNo    int64           `json:"err_no,omitempty"`
	Status   int             `json:"status,omitempty"`
	Share    float64         `json:"share,omitempty"` // of the requests it fits; 0: all
	Count    int             `json:"count,omitempty"` // how often it strikes; 0: without end
	Until    time.Time       `json:"until,omitzero"`  // zero: without end
}

// Latency is how long answers take: log-normal by its median and 99th
// percentile. P99 no greater than Median: always Median.
type Latency struct {
	Median time.Duration `json:"median"` // ns
	P99    time.Duration `json:"p99"`    // ns
}

// SetFaults replaces all faults. The first that fits a request strikes.
func (p *Platform) SetFaults(faults ...Fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults = nil
	for _, f := range faults {
		p.faults = append(p.faults, &f)
	}
	close(p.changed)
	p.changed = make(chan struct{})
}

// SetLatency sets the latency of an endpoint; of all without one of their own
// when it is empty.
func (p *Platform) SetLatency(e douyin.Endpoint, l Latency) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.latency[e] = l
}

// strike finds the fault of a request. The caller holds the lock.
func (p *Platform) strike(c *call) *Fault {
	for _, f := range p.faults {
		if (f.Endpoint != "" && f.Endpoint != c.endpoint) || (f.AppID != "" && f.AppID != p.appOf(c)) || f.over(p.opts.Now()) {
			continue
		}
		if f.First && p.asked(c) {
			continue
		}
		if f.Share > 0 && p.rng.Float64() >= f.Share {
			continue
		}
		if f.Count > 0 {
			if f.Count--; f.Count == 0 {
				f.Count = -1
			}
		}
		return f
	}
	return nil
}

// appOf names the app of a request; v2 notify tells it by the token alone.
func (p *Platform) appOf(c *call) string {
	if c.endpoint == douyin.EndpointNotifyV2 {
		if a, _, _ := p.holder(c.header, c.now, douyin.EndpointClientToken, douyin.EndpointStableClientToken); a != nil {
			return a.id
		}
	}
	return c.appID()
}

func (p *Platform) asked(c *call) bool {
	for _, text := range []string{c.Code, c.AnonymousCode} {
		if k := p.codes[text]; k != nil && len(k.asks) > 0 {
			return true
		}
	}
	return false
}

func (f *Fault) over(now time.Time) bool {
	return f.Count < 0 || !f.Until.IsZero() && !now.Before(f.Until)
}

// delay draws a latency. The caller holds the lock.
func (p *Platform) delay(e douyin.Endpoint) time.Duration {
	l, ok := p.latency[e]
	if !ok {
		l = p.latency[""]
	}
	if l.P99 <= l.Median || l.Median <= 0 {
		return l.Median
	}
	const z99 = 2.326
	sigma := math.Log(float64(l.P99)/float64(l.Median)) / z99
	return time.Duration(float64(l.Median) * math.Exp(sigma*p.rng.NormFloat64()))
}

// refusing reports whether connections are refused now, until when (zero:
// without end), and what to wait on for a change of the faults.
func (p *Platform) refusing() (refuse bool, until time.Time, changed <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.opts.Now()
	for _, f := range p.faults {
		if f.Mode == ModeRefuse && f.Endpoint == "" && f.AppID == "" && !f.over(now) {
			return true, f.Until, p.changed
		}
	}
	return false, time.Time{}, p.changed
}
