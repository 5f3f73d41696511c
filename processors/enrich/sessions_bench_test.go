package enrich

import (
	"encoding/binary"
	"runtime"
	"testing"
)

// BenchmarkTable takes the facts of sessions into one ledger, as a restore does,
// with no Kafka before it: what a fact costs, and what a session occupies.
func BenchmarkTable(b *testing.B) {
	sessions := benchCount(b, "DOUSTREAM_BENCH_SESSIONS", 1_000_000)
	rig := newBench(b)
	sent, err := rig.proc.facts.record(factSent, benchSession(0), 0)
	must(b, err)
	result, err := rig.proc.facts.record(factResult, benchSession(0), 0)
	must(b, err)
	before := heapInUse()
	for range b.N {
		l := rig.loop.task.ledger
		l.table, l.horizon = newTable(), 0
		for i := range sessions {
			renumber(sent.Key, i)
			renumber(result.Key, i)
			l.take(sent)
			l.take(result)
		}
		b.StopTimer()
		b.ReportMetric(float64(heapInUse()-before)/float64(sessions), "heap-B/session")
		b.StartTimer()
		runtime.KeepAlive(l)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(2*sessions*b.N), "ns/fact")
}

// renumber gives a key another session and another code, of the same lengths.
func renumber(key []byte, i int) {
	const digits = "0123456789abcdef"
	var id [8]byte
	binary.BigEndian.PutUint64(id[:], uint64(i)*0x9e3779b97f4a7c15)
	for n, c := range id {
		key[2*n%36], key[(2*n+1)%36] = digits[c>>4], digits[c&15]
		key[37+2*n], key[38+2*n] = digits[c>>4], digits[c&15]
	}
}
