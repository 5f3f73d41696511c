package stream

import (
	"context"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// dialPause holds up whoever failed to connect. A transactional client that
// has a single broker, and is refused, asks again at once and for ever.
type dialPause struct{}

var _ kgo.HookBrokerConnect = dialPause{}

func (dialPause) OnBrokerConnect(_ kgo.BrokerMetadata, _ time.Duration, _ net.Conn, err error) {
	if err != nil {
		<-time.After(50 * time.Millisecond)
	}
}

// quietFor is how long a message of a client is not repeated.
const quietFor = 10 * time.Second

// clientLog passes on what kgo finds worth a warning, each message once in a
// while: at Info kgo tells of every transaction, and while a broker is away it
// warns thousands of times.
type clientLog struct {
	log *slog.Logger

	mu   sync.Mutex
	told map[string]time.Time
}

// Level implements kgo.Logger.
func (*clientLog) Level() kgo.LogLevel { return kgo.LogLevelWarn }

// Log implements kgo.Logger.
func (l *clientLog) Log(level kgo.LogLevel, msg string, keyvals ...any) {
	now := time.Now()
	l.mu.Lock()
	repeated := now.Sub(l.told[msg]) < quietFor
	if !repeated {
		l.told[msg] = now
	}
	l.mu.Unlock()
	if repeated {
		return
	}
	to := slog.LevelWarn
	if level == kgo.LogLevelError {
		to = slog.LevelError
	}
	l.log.Log(context.Background(), to, "kafka client", append([]any{"says", msg}, keyvals...)...)
}
