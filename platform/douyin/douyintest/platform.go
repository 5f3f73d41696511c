package douyintest

import (
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"doustream/platform/douyin"
)

// Platform is the simulated open platform, both hosts in one handler. It is
// safe for concurrent use; one mutex guards everything that it remembers, and
// is never held while a request waits.
type Platform struct {
	opts    Options
	control http.Handler

	mu      sync.Mutex
	rng     *rand.Rand
	apps    map[string]*app
	codes   map[string]*code
	order   []string // codes in the order of issue, the oldest forgotten first
	faults  []*Fault
	latency map[douyin.Endpoint]Latency
	changed chan struct{} // closed and replaced when the faults change
	ledger  ledger
	serial  uint64
}

// app is what the platform holds of one mini-app.
type app struct {
	id       string
	secret   douyin.Secret
	users    map[string]*user // by the name that the tests give
	openIDs  map[string]*user
	access   tokens
	client   tokens
	stable   tokens
	calls    []time.Time // of client_token, in the last five minutes
	consents map[consentKey]*consent
	messages []time.Time // sent in the last second
}

// New makes a platform. It starts nothing.
func New(opts Options) *Platform {
	opts = opts.withDefaults()
	p := &Platform{
		opts:    opts,
		rng:     rand.New(rand.NewPCG(opts.Seed, 0)), //nolint:gosec // repeatable on purpose
		apps:    map[string]*app{},
		codes:   map[string]*code{},
		latency: map[douyin.Endpoint]Latency{},
		changed: make(chan struct{}),
	}
	p.ledger.reset(opts.Entries)
	for _, a := range opts.Apps {
		p.AddApp(a)
	}
	p.control = p.newControl()
	return p
}

// AddApp makes an app known, or gives one that is known another secret.
func (p *Platform) AddApp(a douyin.App) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if known, ok := p.apps[a.ID]; ok {
		known.secret = a.Secret
		return
	}
	p.apps[a.ID] = &app{
		id: a.ID, secret: a.Secret,
		users: map[string]*user{}, openIDs: map[string]*user{}, consents: map[consentKey]*consent{},
	}
}

// random answers n bytes as the platform writes such things. The caller holds
// the lock.
func (p *Platform) random(n int) []byte {
	b := make([]byte, 0, n+8)
	for len(b) < n {
		v := p.rng.Uint64()
		b = append(b, byte(v), byte(v>>8), byte(v>>16), byte(v>>24), byte(v>>32), byte(v>>40), byte(v>>48), byte(v>>56))
	}
	return b[:n]
}
