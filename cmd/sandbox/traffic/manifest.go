package traffic

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"sync"

	"github.com/go-json-experiment/json"
)

// Sent is one record that was sent and what must come of it.
type Sent struct {
	Topic     string `json:"topic"` // with the prefix
	Partition int32  `json:"partition"`
	Offset    int64  `json:"offset"`
	ID        string `json:"id,omitempty"` // event_id or notification_id; empty: it has none that can be read
	AppID     string `json:"app_id,omitempty"`
	Session   string `json:"session,omitempty"`
	User      string `json:"user,omitempty"` // open_id
	At        int64  `json:"at"`             // ms; when it happened, as the record says
	SentAt    int64  `json:"sent_at"`        // ms; when it was handed to the producer
	AckedAt   int64  `json:"acked_at"`       // ms; when Kafka had it
	Case      string `json:"case"`           // what it tries
	Order     bool   `json:"order,omitempty"`
	Code      string `json:"code,omitempty"`  // the login code that it carries, or the anonymous one
	Phone     string `json:"phone,omitempty"` // the number that it hides
	Needs     string `json:"needs,omitempty"` // the code of the login whose key it is encrypted under
	// Want is what may come of it, one of these: the kind of an enriched record
	// (LOGIN), the status of a result (SENT), or the reason of a dead letter
	// (code_refused).
	Want []string `json:"want"`
	// Template is the one that an order is sent by.
	Template string `json:"template,omitempty"`
	// Says is what an enriched record that comes of it must tell, by name: what
	// doustream masks, hashes and seals is here in the clear.
	Says map[string]string `json:"says,omitempty"`
}

// Wanted reports whether outcome is one that may come of it.
func (s *Sent) Wanted(outcome string) bool { return slices.Contains(s.Want, outcome) }

// Manifest collects what was sent. It is safe for concurrent use.
type Manifest struct {
	mu   sync.Mutex
	sent []Sent
	out  *bufio.Writer
	err  error // of the first write that failed
}

// NewManifest makes one; what is added is also written to w as lines of JSON,
// unless w is nil.
func NewManifest(w io.Writer) *Manifest {
	m := &Manifest{}
	if w != nil {
		m.out = bufio.NewWriter(w)
	}
	return m
}

// All answers what was sent so far, in the order of acknowledgement.
func (m *Manifest) All() []Sent {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.sent)
}

// Len answers how many records were sent.
func (m *Manifest) Len() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.sent)
}

// Flush writes out what is buffered.
func (m *Manifest) Flush() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.err != nil || m.out == nil {
		return m.err
	}
	return m.out.Flush()
}

func (m *Manifest) add(s Sent) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sent = append(m.sent, s)
	if m.out == nil || m.err != nil {
		return
	}
	line, err := json.Marshal(s)
	if err == nil {
		_, err = m.out.Write(append(line, '\n'))
	}
	if err != nil {
		m.err = fmt.Errorf("write manifest: %w", err)
	}
}

// ReadManifest reads the lines that a Manifest wrote.
func ReadManifest(r io.Reader) ([]Sent, error) {
	var all []Sent
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		var s Sent
		if err := json.Unmarshal(lines.Bytes(), &s); err != nil {
			return nil, fmt.Errorf("read manifest, line %d: %w", len(all)+1, err)
		}
		all = append(all, s)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read manifest: %w", err)
	}
	return all, nil
}
