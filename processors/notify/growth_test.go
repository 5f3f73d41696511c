package notify

import (
	"cmp"
	"fmt"
	"testing"
	"time"

	"doustream/platform/douyin"
	"doustream/platform/stream"
	"doustream/schemas"
)

// readings are orders in which the partitions of a state topic may be read.
var readings = map[string]func(x, y *stream.Record) int{
	"as it was written":     nil,
	"first partition first": func(x, y *stream.Record) int { return cmp.Compare(x.Partition, y.Partition) },
	"last partition first":  func(x, y *stream.Record) int { return cmp.Compare(y.Partition, x.Partition) },
}

// I7: a state topic that is given more partitions forgets nothing and revives
// nothing, whichever is read first: what lies where it no longer belongs counts
// until it is written anew, and never again after that. Each order has one
// result, and each that is published again when its life is over has another.
func TestTheStateTopicGrows(t *testing.T) {
	t.Parallel()
	for name, reading := range readings {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(Config{Credits: CreditsEnforce, Templates: map[string]Template{"tpl": {Kind: TemplateOneTime}}})
			w.reading = reading
			restart := func() {
				if w.current != nil {
					w.current.crash()
				}
				w.start()
				w.run(w.now.Add(2 * time.Second))
			}
			const users = 12
			for u := range users {
				for range 3 {
					w.consent(answered(fmt.Sprint("u", u), schemas.ConsentAccept, w.now))
				}
			}
			published := 0
			publish := func(round string) {
				for u := range users {
					w.publish(0, orderJSON(fmt.Sprint(round, u), fmt.Sprint("u", u), `"expires_at":"9999-12-31T00:00:00Z"`))
					published++
				}
			}
			check := func(when string, sends int) {
				t.Helper()
				for source, rs := range w.results() {
					if len(rs) != 1 {
						t.Fatalf("%s: %v has %d results: %+v", when, source, len(rs), rs)
					}
				}
				if len(w.results()) != published || len(w.platform.sends) != sends {
					t.Fatalf("%s: %d results of %d, %d sends, want %d", when, len(w.results()), published, len(w.platform.sends), sends)
				}
			}
			restart()
			publish("done-")
			w.run(w.now.Add(time.Minute))
			check("before", users)
			w.platform.send = func(douyin.Notification, douyin.Token) error { return fault(douyin.KindConfig) }
			publish("waiting-")
			w.run(w.now.Add(time.Second))
			w.parts = 7
			restart()
			restart()
			w.platform.send = nil
			w.run(w.now.Add(20 * time.Minute))
			refused := len(w.platform.sends) - 2*users
			check("when it has grown", 2*users+refused)
			restart()
			publish("waiting-") // repeats
			w.run(w.now.Add(time.Minute))
			check("repeated", 2*users+refused)
			w.run(w.now.Add(25 * time.Hour))
			restart()
			check("a life later", 2*users+refused)
			publish("done-")
			w.run(w.now.Add(time.Second))
			restart()
			w.run(w.now.Add(time.Minute))
			check("published anew", 3*users+refused)
			publish("fourth-") // the three credits of each are spent
			w.run(w.now.Add(time.Minute))
			check("without a credit", 3*users+refused)
			restart()
			if n := astray(w); n != 0 {
				t.Errorf("%d records still lie where they do not belong", n)
			}
		})
	}
}

// astray counts the records that compaction would leave in a partition that they
// do not belong to.
func astray(w *world) int {
	left := map[string]bool{}
	for _, rec := range w.log[stateTopic] {
		_, i, err := parseKey(rec.Key)
		if err != nil {
			panic(err)
		}
		if int(rec.Partition) == i.partition(int(w.parts)) {
			continue
		}
		place := fmt.Sprint(rec.Partition, string(rec.Key))
		if left[place] = true; rec.Value == nil {
			delete(left, place)
		}
	}
	return len(left)
}
