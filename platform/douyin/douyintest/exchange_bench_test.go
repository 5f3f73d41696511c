package douyintest_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"doustream/platform/douyin"
	"doustream/platform/douyin/douyintest"
)

// inFlight is doustream's default.
const inFlight = 1024

// BenchmarkExchange is the client and the simulated platform over loopback, at
// once as many exchanges as doustream has by default. Ceiling is the same
// exchange of bytes by net/http alone, with nobody who reads them.
func BenchmarkExchange(b *testing.B) {
	for _, latency := range []time.Duration{0, 50 * time.Millisecond} {
		b.Run("platform answers after "+latency.String(), func(b *testing.B) { benchmarkExchange(b, latency) })
	}
	b.Run("ceiling", benchmarkCeiling)
}

func benchmarkExchange(b *testing.B, latency time.Duration) {
	srv, ctl := serve(b, douyintest.Options{})
	if err := ctl.SetLatency(context.Background(), "", douyintest.Latency{Median: latency}); err != nil {
		b.Fatal(err)
	}
	c := client(b, srv)
	var logins []douyintest.Login
	for len(logins) < b.N {
		names := make([]string, min(b.N-len(logins), 20000))
		for i := range names {
			names[i] = fmt.Sprint("user", len(logins)+i)
		}
		more, err := ctl.Logins(context.Background(), app.ID, names, false)
		if err != nil {
			b.Fatal(err)
		}
		logins = append(logins, more...)
	}
	run(b, func(i int) error {
		_, err := c.ExchangeCode(context.Background(), app, douyin.Code(logins[i].Code), "")
		return err
	})
}

func benchmarkCeiling(b *testing.B) {
	answer := []byte(`{"err_no":0,"err_tips":"success","data":{"session_key":"AAECAwQFBgcICQoLDA0ODw==","openid":"` + string(bytes.Repeat([]byte("o"), 36)) + `"}}`)
	request := bytes.Repeat([]byte("c"), 160)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = w.Write(answer)
	}))
	defer srv.Close()
	transport := &http.Transport{MaxIdleConnsPerHost: inFlight}
	defer transport.CloseIdleConnections()
	run(b, func(int) error {
		r, err := http.NewRequest(http.MethodPost, srv.URL, bytes.NewReader(request))
		if err != nil {
			return err
		}
		resp, err := transport.RoundTrip(r)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		_, err = io.Copy(io.Discard, resp.Body)
		return err
	})
}

// run calls do for each i below b.N, many at once.
func run(b *testing.B, do func(i int) error) {
	var next atomic.Int64
	b.ReportAllocs()
	b.ResetTimer()
	var wg sync.WaitGroup
	for range min(inFlight, b.N) {
		wg.Go(func() {
			for i := next.Add(1) - 1; i < int64(b.N); i = next.Add(1) - 1 {
				if err := do(int(i)); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "exchanges/s")
}
