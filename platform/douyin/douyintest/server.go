package douyintest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

// Server is a Platform on TCP: one address for both hosts, and another for the
// control API, which goes on answering while the platform refuses connections.
type Server struct {
	platform *Platform
	addr     string
	control  net.Listener
	listener net.Listener
}

// Listen opens both addresses ("127.0.0.1:0" takes free ports).
func Listen(ctx context.Context, p *Platform, addr, control string) (*Server, error) {
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listen for the platform: %w", err)
	}
	c, err := config.Listen(ctx, "tcp", control)
	if err != nil {
		_ = l.Close()
		return nil, fmt.Errorf("listen for control: %w", err)
	}
	return &Server{platform: p, addr: l.Addr().String(), control: c, listener: l}, nil
}

// URL is the platform's, for both hosts.
func (s *Server) URL() string { return "http://" + s.addr }

// ControlURL is what NewControl takes.
func (s *Server) ControlURL() string { return "http://" + s.control.Addr().String() }

// Serve answers until ctx ends, and closes the platform's address for as long
// as a ModeRefuse fault for all endpoints says.
func (s *Server) Serve(ctx context.Context) error {
	control := newHTTPServer(s.platform)
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() { _ = control.Serve(s.control) })
	defer control.Close() //nolint:errcheck // nothing is left to be lost
	for {
		if err := s.serveOpen(ctx); err != nil {
			return err
		}
		s.waitRefused(ctx)
		var config net.ListenConfig
		l, err := config.Listen(ctx, "tcp", s.addr)
		if ctx.Err() != nil {
			if err == nil {
				_ = l.Close()
			}
			return nil
		}
		if err != nil {
			return fmt.Errorf("listen again: %w", err)
		}
		s.listener = l
	}
}

// serveOpen serves until ctx ends or connections are to be refused.
func (s *Server) serveOpen(ctx context.Context) error {
	srv := newHTTPServer(s.platform)
	done := make(chan error, 1)
	go func() { done <- srv.Serve(s.listener) }()
	for {
		refuse, _, changed := s.platform.refusing()
		if refuse || ctx.Err() != nil {
			break
		}
		select {
		case <-ctx.Done():
		case <-changed:
		case err := <-done:
			return fmt.Errorf("serve the platform: %w", err)
		}
	}
	_ = srv.Close()
	if err := <-done; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve the platform: %w", err)
	}
	return nil
}

// waitRefused returns when connections are to be taken again.
func (s *Server) waitRefused(ctx context.Context) {
	for ctx.Err() == nil {
		refuse, until, changed := s.platform.refusing()
		if !refuse {
			return
		}
		var over <-chan time.Time
		if !until.IsZero() {
			t := time.NewTimer(until.Sub(s.platform.opts.Now()))
			defer t.Stop()
			over = t.C
		}
		select {
		case <-ctx.Done():
		case <-changed:
		case <-over:
		}
	}
}

func newHTTPServer(h http.Handler) *http.Server {
	return &http.Server{Handler: h, ReadHeaderTimeout: time.Minute, IdleTimeout: 2 * time.Minute}
}
