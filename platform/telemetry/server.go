package telemetry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

const closeTimeout = 2 * time.Second

// Server answers over HTTP.
type Server struct {
	listener net.Listener
	server   *http.Server
}

// Listen opens addr and answers a server for /metrics, /healthz (200 as long
// as the process lives) and /readyz. Requests wait until Serve is called.
func Listen(ctx context.Context, addr string, metrics prometheus.Gatherer, health *Health, log *slog.Logger) (*Server, error) {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(metrics, promhttp.HandlerOpts{
		ErrorLog:      slog.NewLogLogger(log.Handler(), slog.LevelWarn),
		ErrorHandling: promhttp.ContinueOnError,
	}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("alive\n")) })
	mux.Handle("GET /readyz", health)
	return listen(ctx, addr, mux, log)
}

// ListenProfiles opens addr for /debug/pprof/. Profiles show what a process
// holds in memory, so only a loopback address is accepted.
func ListenProfiles(ctx context.Context, addr string, log *slog.Logger) (*Server, error) {
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	return ListenLoopback(ctx, addr, mux, log)
}

// ListenLoopback opens addr for what only this machine may ask: any other
// address is an error, and a request that names another host is refused, which
// is how a page in a browser on this machine would come by it.
func ListenLoopback(ctx context.Context, addr string, handler http.Handler, log *slog.Logger) (*Server, error) {
	if !Loopback(addr) {
		return nil, fmt.Errorf("listen on %s: not a loopback address", addr)
	}
	return listen(ctx, addr, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !loopbackHost(r.Host) {
			http.Error(w, "asked by a name that is not this machine's", http.StatusForbidden)
			return
		}
		handler.ServeHTTP(w, r)
	}), log)
}

// Loopback reports whether addr ("host:port") can be reached from this
// machine alone. A name other than localhost is not looked up.
func Loopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	return err == nil && loopbackHost(host)
}

// loopbackHost is Loopback of a Host header: the port may be missing.
func loopbackHost(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func listen(ctx context.Context, addr string, handler http.Handler, log *slog.Logger) (*Server, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", addr, err)
	}
	return &Server{listener: listener, server: &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}}, nil
}

// Addr is the address that is listened on, the port chosen if it was 0.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// Close ends a server that Serve was not called for.
func (s *Server) Close() error { return s.listener.Close() }

// Serve answers requests until ctx ends, gives those under way two seconds,
// and returns nil.
func (s *Server) Serve(ctx context.Context) error {
	stopped := make(chan struct{})
	defer close(stopped)
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		select {
		case <-ctx.Done():
		case <-stopped:
		}
		deadline, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
		defer cancel()
		if s.server.Shutdown(deadline) != nil {
			_ = s.server.Close()
		}
	}()
	err := s.server.Serve(s.listener)
	if errors.Is(err, http.ErrServerClosed) {
		<-closed
		return nil
	}
	return fmt.Errorf("serve http: %w", err)
}
