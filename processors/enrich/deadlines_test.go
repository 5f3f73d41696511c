package enrich

import (
	"testing"
	"testing/synctest"
	"time"
)

// A successor reckons with no request that lasts longer than its deadline.
func TestSharedDeadlinesEndInTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const deadline = 5 * time.Second
		s := newDeadlines(deadline)
		distinct := map[<-chan struct{}]bool{}
		const asked = 1000
		for i := range asked {
			d := deadline
			if i%10 == 0 {
				d = deadline / 2 // its SENT took its time
			}
			now := time.Now()
			ctx := s.within(now, d)
			distinct[ctx.Done()] = true
			ends, _ := ctx.Deadline()
			if left := ends.Sub(now); left > d || left < d-deadline/sooner {
				t.Fatalf("%v for a request that has %v", left, d)
			}
			if i == asked-1 {
				<-ctx.Done()
				if took := time.Since(now); took > d {
					t.Errorf("it ended after %v", took)
				}
			}
			time.Sleep(time.Millisecond)
		}
		if n := len(distinct); n > asked/2 {
			t.Errorf("%d contexts for %d requests", n, asked)
		}
	})
}
