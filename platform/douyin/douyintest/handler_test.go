package douyintest

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"testing"

	"doustream/platform/douyin"
)

// sink is a ResponseWriter that forgets.
type sink struct{ header http.Header }

func (s *sink) Header() http.Header         { return s.header }
func (s *sink) Write(b []byte) (int, error) { return len(b), nil }
func (s *sink) WriteHeader(int)             {}

// BenchmarkHandler is what one exchange costs the simulator beside HTTP itself.
func BenchmarkHandler(b *testing.B) {
	app := douyin.App{ID: "tt1", Secret: "secret"}
	p := New(Options{Apps: []douyin.App{app}})
	bodies := make([][]byte, 0, b.N)
	for i := range b.N {
		bodies = append(bodies, fmt.Appendf(nil, `{"appid":"tt1","secret":"secret","code":%q}`, string(p.IssueCode("tt1", fmt.Sprint(i%1000)))))
	}
	w := &sink{http.Header{}}
	r, err := http.NewRequest(http.MethodPost, douyin.PathCode2Session, nil)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		r.Body = io.NopCloser(bytes.NewReader(bodies[i]))
		p.ServeHTTP(w, r)
	}
	b.StopTimer()
	if n := p.Summary().Requests[douyin.EndpointCode2Session]["0"]; n != int64(b.N) {
		b.Fatalf("%d of %d exchanges", n, b.N)
	}
}
