package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"doustream/cmd/doustream/config"
	"doustream/platform/telemetry"
	"doustream/processors/notify"
)

const (
	// tokensFresh is how long what was read of the tokens is answered from: with
	// the four minutes that an answer is good for it stays inside the five that a
	// token outlives its successor's fetch by.
	tokensFresh = 2 * time.Second
	// tokensTimeout is how long one reading may take.
	tokensTimeout = 10 * time.Second
)

// tokenServer hands tokens out on loopback: GET /token?app_id=…
type tokenServer struct {
	kinds map[string]notify.TokenKind // by app: what is asked for unless a kind is named
	read  func(context.Context) (*notify.TokenBook, error)
	warn  func(error)

	reading sync.Mutex // held while the topic is read: one reading serves all who ask
	book    *notify.TokenBook
	readAt  time.Time
}

// tokenAnswer is what a service gets.
type tokenAnswer struct {
	AppID      string `json:"app_id"`
	Kind       string `json:"kind"`
	Token      string `json:"token"`
	ExpiresAt  int64  `json:"expires_at"`   // milliseconds since 1970
	ExpiresIn  int64  `json:"expires_in"`   // seconds
	AskAgainIn int64  `json:"ask_again_in"` // seconds
}

// ServeHTTP answers 200 with the token, 400 without an app, 404 for what is not
// this installation's, and 503 while there is none or it cannot be read.
func (s *tokenServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	query := r.URL.Query()
	appID, kind := query.Get("app_id"), notify.TokenKind(query.Get("kind"))
	own, known := s.kinds[appID]
	if kind == "" {
		kind = own
	}
	switch {
	case appID == "":
		http.Error(w, "app_id is missing", http.StatusBadRequest)
		return
	case !known || kind != own:
		http.Error(w, "not a token of this installation's", http.StatusNotFound)
		return
	}
	book, err := s.current(r.Context())
	if err != nil {
		s.warn(err)
		http.Error(w, "the tokens cannot be read now", http.StatusServiceUnavailable)
		return
	}
	now := time.Now()
	for _, t := range book.Good(now) {
		if t.AppID == appID && t.Kind == kind {
			answerToken(w, t, now)
			return
		}
	}
	if err := book.Unread(); err != nil {
		s.warn(err)
	}
	w.Header().Set("Retry-After", "1")
	http.Error(w, "there is no token now; notify fetches one", http.StatusServiceUnavailable)
}

func answerToken(w http.ResponseWriter, t notify.HeldToken, now time.Time) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(tokenAnswer{ // who asked is gone if it fails
		AppID: t.AppID, Kind: string(t.Kind), Token: string(t.Token), ExpiresAt: t.ExpiresAt.UnixMilli(),
		ExpiresIn: int64(t.ExpiresAt.Sub(now).Seconds()), AskAgainIn: int64(t.AskAgain(now).Seconds()),
	})
}

// current is the book, read anew if it is not fresh.
func (s *tokenServer) current(ctx context.Context) (*notify.TokenBook, error) {
	s.reading.Lock()
	defer s.reading.Unlock()
	if s.book != nil && time.Since(s.readAt) < tokensFresh && len(s.book.Good(time.Now())) > 0 {
		return s.book, nil
	}
	ctx, cancel := context.WithTimeout(ctx, tokensTimeout)
	defer cancel()
	began := time.Now()
	book, err := s.read(ctx)
	if err != nil {
		return nil, err
	}
	s.book, s.readAt = book, began
	return book, nil
}

// handOutTokens serves tokens on the loopback address that is configured, until
// ctx ends or stop is called; without one it does nothing.
func (p *process) handOutTokens(ctx context.Context) (stop func(), err error) {
	addr := p.config.Notify.TokenAddr
	if addr == "" {
		return func() {}, nil
	}
	handler := &tokenServer{
		kinds: tokenKinds(p.config),
		read:  func(ctx context.Context) (*notify.TokenBook, error) { return readTokens(ctx, p.config, p.log) },
		warn: func(err error) {
			if !errors.Is(err, context.Canceled) {
				p.log.Warn("read tokens for a service", "error", err)
			}
		},
	}
	mux := http.NewServeMux()
	mux.Handle("GET /token", handler)
	server, err := telemetry.ListenLoopback(ctx, addr, mux, p.log)
	if err != nil {
		return nil, fmt.Errorf("%sNOTIFY_TOKEN_ADDR: %w", config.Prefix, err)
	}
	p.log.Info("handing out tokens", "address", server.Addr())
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := server.Serve(ctx); err != nil {
			p.log.Error("token server ended", "error", err)
		}
	}()
	return func() {
		cancel()
		<-done
	}, nil
}

func tokenKinds(c *config.Config) map[string]notify.TokenKind {
	kinds := map[string]notify.TokenKind{}
	for _, app := range c.Apps.Apps {
		kinds[app.ID] = notify.TokenKind(app.NotifyToken)
	}
	return kinds
}
