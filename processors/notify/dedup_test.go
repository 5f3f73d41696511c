package notify

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"doustream/schemas"
)

// dedup behaves as a map with a life, whatever is added, removed and expired.
func TestDedupModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		const life = 100 * time.Second
		limit := rapid.IntRange(5, 40).Draw(rt, "max")
		d := newDedup(life, limit, rapid.IntRange(1, 4).Draw(rt, "partitions"))
		model := map[id]outcome{}
		now := time.UnixMilli(1_700_000_000_000)
		for range rapid.IntRange(1, 300).Draw(rt, "steps") {
			i := idOf("tt1", fmt.Sprint(rapid.IntRange(0, 50).Draw(rt, "id")))
			switch rapid.IntRange(0, 6).Draw(rt, "step") {
			case 0, 1, 2:
				o := drawOutcome(rt, now)
				d.add(i, o)
				model[i] = o
			case 3:
				d.remove(i)
				delete(model, i)
			case 4:
				now = now.Add(time.Duration(rapid.IntRange(0, 30).Draw(rt, "seconds")) * time.Second)
			case 5:
				for _, gone := range d.expire(now, 1000) {
					o, ok := model[gone]
					if !ok {
						rt.Fatal("expired what was not there")
					}
					if now.Before(o.finishedAt.Add(life)) && len(model) <= limit {
						rt.Fatal("expired before its time")
					}
					delete(model, gone)
				}
				if d.len() > limit {
					rt.Fatalf("%d remembered, at most %d", d.len(), limit)
				}
			}
			if d.len() != len(model) {
				rt.Fatalf("%d remembered, want %d", d.len(), len(model))
			}
			for i, want := range model {
				got, ok := d.lookup(i, now)
				if ok != now.Before(want.finishedAt.Add(life)) || !reflect.DeepEqual(got, want) {
					rt.Fatalf("got %+v %v, want %+v", got, ok, want)
				}
			}
		}
	})
}

// I9: a log that nobody has compacted holds many lives of results and their
// deletions. What is read of it and deleted takes no memory until the first sweep.
func TestWhatIsDeletedInARestoreTakesNoMemory(t *testing.T) {
	t.Parallel()
	d := newDedup(time.Hour, 1000, 3)
	const stand = 1000
	for n := range 100 * stand {
		d.add(idOf("tt1", fmt.Sprint(n)), outcome{finishedAt: time.UnixMilli(int64(n))})
		if n >= stand {
			d.remove(idOf("tt1", fmt.Sprint(n-stand)))
		}
	}
	if d.len() != stand {
		t.Fatalf("%d remembered, want %d", d.len(), stand)
	}
	if n := len(d.arena.chunks) - len(d.arena.free); n > 2*3 {
		t.Errorf("%d chunks of %d bytes for %d outcomes in 3 logs", n, chunkSize, stand)
	}
}

func drawOutcome(rt *rapid.T, now time.Time) outcome {
	o := outcome{
		status:     schemas.Status(rapid.IntRange(0, 5).Draw(rt, "status")),
		reason:     rapid.SampledFrom(reasonTexts).Draw(rt, "reason"),
		logID:      rapid.SampledFrom([]string{"", "20220707181235010210054041141A7F43", "ABC", "not hex", "20ab"}).Draw(rt, "log id"),
		attempts:   rapid.IntRange(0, 100000).Draw(rt, "attempts"),
		finishedAt: now,
	}
	if rapid.Bool().Draw(rt, "has err_no") {
		no := rapid.Int64().Draw(rt, "err_no")
		o.errNo = &no
	}
	return o
}

// Every reason that is remembered has a number.
func TestEveryReasonIsRemembered(t *testing.T) {
	t.Parallel()
	for _, row := range fates {
		d := newDedup(time.Hour, 10, 1)
		d.add(id{1}, outcome{reason: row.reason, finishedAt: time.UnixMilli(1)})
		if got, _ := d.lookup(id{1}, time.UnixMilli(1)); got.reason != row.reason {
			t.Errorf("%q came back as %q", row.reason, got.reason)
		}
	}
}
