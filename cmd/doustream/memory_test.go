package main

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// I9: what is garbage is bounded beside what is held, however much that is; and
// what lives beside it always has room.
func TestMemoryLimitFollowsWhatIsHeld(t *testing.T) {
	const mib = 1 << 20
	for _, test := range []struct {
		name       string
		held, live int64 // MiB
		want       int64
	}{
		{"nothing yet", 0, 0, 384},
		{"a small process", 0, 100, 384},
		{"windows that are full", 0, 300, 600},
		{"ten million sessions", 2048, 2150, 2432},
		{"ten million sessions and full windows", 2048, 2448, 2848},
		{"sessions that no collection has seen yet", 2048, 10, 2432},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			m, got := newMemory(), int64(0)
			m.live, m.set = func() int64 { return test.live * mib }, func(n int64) { got = n }
			m.hold(test.held*mib + 5)
			m.hold(-5)
			m.adjust()
			if got != test.want*mib {
				t.Errorf("limit %d MiB; want %d", got/mib, test.want)
			}
		})
	}
}

func TestMemoryLimitIsSetWhenItIsOffAndNotEachTime(t *testing.T) {
	t.Setenv("GOMEMLIMIT", "")
	synctest.Test(t, func(t *testing.T) {
		m, sets := newMemory(), 0
		m.live, m.set = func() int64 { return 0 }, func(int64) { sets++ }
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		go m.watch(ctx)
		for i, held := range []int64{0, 1 << 20, 64 << 20, -64 << 20} {
			m.hold(held)
			<-time.After(time.Minute)
			if want := []int{1, 1, 2, 3}[i]; sets != want {
				t.Errorf("set %d times after step %d; want %d", sets, i, want)
			}
		}
	})
}

func TestMemoryLimitOfTheEnvironmentHolds(t *testing.T) {
	t.Setenv("GOMEMLIMIT", "1GiB")
	m := newMemory()
	m.set = func(int64) { t.Error("GOMEMLIMIT was overruled") }
	m.watch(t.Context())
}
