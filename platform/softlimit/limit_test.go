package softlimit

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// I9: what is garbage is bounded beside what is held, however much that is; and
// what lives beside it always has room.
func TestLimitFollowsWhatIsHeld(t *testing.T) {
	const mib = 1 << 20
	for _, test := range []struct {
		name               string
		held, live, stacks int64 // MiB
		want               int64
	}{
		{"nothing yet", 0, 0, 0, 448},
		{"a small process", 0, 100, 0, 448},
		{"windows that are full", 0, 300, 0, 600},
		{"ten million sessions", 2048, 2150, 0, 2496},
		{"ten million sessions and full windows", 2048, 2448, 0, 2848},
		{"thousands of connections", 0, 100, 90, 538},
		{"ten million sessions, full windows, connections", 2048, 2448, 90, 2938},
		{"sessions that no collection has seen yet", 2048, 10, 0, 2496},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			l, got := New(), int64(0)
			l.live, l.set = func() (int64, int64) { return test.live * mib, test.stacks * mib }, func(n int64) { got = n }
			l.Hold(test.held*mib + 5)
			l.Hold(-5)
			l.adjust()
			if got != test.want*mib {
				t.Errorf("limit %d MiB; want %d", got/mib, test.want)
			}
		})
	}
}

func TestLimitIsSetWhenItIsOffAndNotEachTime(t *testing.T) {
	t.Setenv("GOMEMLIMIT", "")
	synctest.Test(t, func(t *testing.T) {
		l, sets := New(), 0
		l.live, l.set, l.grow = func() (int64, int64) { return 0, 0 }, func(int64) { sets++ }, func(int) {}
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		go l.Watch(ctx)
		for i, held := range []int64{0, 1 << 20, 64 << 20, -64 << 20} {
			l.Hold(held)
			<-time.After(time.Minute)
			if want := []int{1, 1, 2, 3}[i]; sets != want {
				t.Errorf("set %d times after step %d; want %d", sets, i, want)
			}
		}
	})
}

func TestEnvironmentOverrules(t *testing.T) {
	for _, test := range []struct {
		name, limit, percent string
		want                 string
	}{
		{"nothing is set", "", "", "limit growth "},
		{"GOGC", "", "100", "limit "},
		{"GOMEMLIMIT", "1GiB", "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv("GOMEMLIMIT", test.limit)
			t.Setenv("GOGC", test.percent)
			var done string
			l := New()
			l.set, l.grow = func(int64) { done += "limit " }, func(int) { done += "growth " }
			ctx, stop := context.WithCancel(t.Context())
			stop()
			l.Watch(ctx)
			if done != test.want {
				t.Errorf("set %q; want %q", done, test.want)
			}
		})
	}
}
