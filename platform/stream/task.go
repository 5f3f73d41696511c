package stream

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Record is Kafka's record. In outputs, Partition counts for the topics
// that Config names as state topics; every other topic is partitioned by the
// key's murmur2 hash.
type Record = kgo.Record

// Task is what a role does with the partitions it holds together. Every method
// is called from the task's own loop goroutine, never two at a time, so that a
// task's fields need no locks. None may block: what takes long goes through
// Loop.Work or a goroutine of the task's own that ends with Loop.Post.
type Task interface {
	// Restore takes in one record of a state topic, in log order per
	// partition: first everything up to this owner's marker, then, after Open,
	// whatever anybody (this owner included) appends. The record must not be
	// kept. Marker records are passed too; see Marker.
	Restore(rec *Record)
	// Open is called once, when the state is restored and before the first
	// Handle. It may Emit and start timers.
	Open()
	// Handle starts work on one input record; in.Done ends it. Two inputs with
	// the same topic and key are never under way together: the second is
	// handed over after the first is Done, except those of Config.Overlap. Inputs of other keys and topics
	// are. Records with a nil key count as having keys of their own.
	Handle(in *Input)
	// Close is called once, when the task's partitions are gone or the role
	// stops; nothing the task does afterwards has an effect (Post returns
	// false), except Append.
	Close()
}

// Draining is an optional method of a Task: Drain is called when the task is
// to be handed over in good order, before its last transaction. No more inputs
// are handed over. done must be called (from the loop) once what is under way
// is finished or can be left to the successor; until then, or the runtime's
// drain deadline, Done, Emit and Append still count. A task without it is
// drained when every input that was handed over is Done.
type Draining interface {
	Drain(done func())
}

// Preparing is an optional method of a Task: Prepare is called before Handle,
// on the runtime's worker goroutines, many at a time and in any order, for the
// stateless part of the work (decoding). Its answer is Input.Prepared.
type Preparing interface {
	Prepare(rec *Record) any
}

// Input is one record under way.
type Input struct {
	Record   *Record
	Prepared any // what Preparing.Prepare answered, or nil
	input
}

// Done says that the record is finished and what came of it (nothing is an
// answer too). The outputs leave in the order of the record's topic-partition:
// when everything before it is Done as well, the input retires: its outputs
// join the open transaction and its offset becomes committable. retired (may
// be nil) is called from the loop at that moment, and what it Emits leaves in
// the transaction that commits the input's offset: a task may take the record
// into its state there, in offset order, once and for all. Done is called
// exactly once, from the loop.
func (in *Input) Done(out []*Record, retired func()) { in.done(out, retired) }

// Loop is a task's hold on the runtime. Unless said otherwise its methods are
// called from the task's loop.
type Loop struct{ loop }

// Partition is the task's number; 0 under SingleOwner.
func (l *Loop) Partition() int32 { return l.partition() }

// Partitions lists the partitions of an input or state topic that the task holds.
func (l *Loop) Partitions(topic string) []int32 { return l.partitions(topic) }

// Owner is the unique name of this ownership, as written in its marker.
func (l *Loop) Owner() string { return l.owner() }

// Now is the wall clock; tests run on a virtual one.
func (l *Loop) Now() time.Time { return l.now() }

// Round is what Now was when the loop began to run what it runs now in one go,
// some milliseconds ago at most, unless the machine stood still: one look at the
// clock for all of it. For what need not be exact.
func (l *Loop) Round() time.Time { return l.round }

// Context ends when the task closes.
func (l *Loop) Context() context.Context { return l.context() }

// Post has f called from the loop, and reports whether it will be: after Close
// it is not. Safe from any goroutine; never blocks.
func (l *Loop) Post(f func()) bool { return l.post(f) }

// After has f called from the loop after d, unless the task closes or stop is
// called before.
func (l *Loop) After(d time.Duration, f func()) (stop func()) { return l.after(d, f) }

// Work has f called on one of the runtime's worker goroutines (as many as
// GOMAXPROCS) and then, from the loop, then. For work of the processor, such
// as decryption; not for waiting.
func (l *Loop) Work(f, then func()) { l.work(f, then) }

// Job is work of the processor in its two parts, for those who have one for each
// record and would rather not make two functions of it.
type Job interface {
	Work()   // on a worker
	Worked() // then, from the loop
}

// Do is Work for a Job.
func (l *Loop) Do(job Job) { l.do(job) }

// Emit adds records to the open transaction that belong to no input under way:
// a parked event that was resumed, an intent. They leave in the order of
// Emit and of retirement, those of one Emit in one transaction. committed (may be nil) is called from the loop once the transaction
// with them is known to have succeeded.
func (l *Loop) Emit(out []*Record, committed func()) { l.emit(out, committed) }

// Append writes one record to a state topic outside any transaction, so that
// an abort does not forget it, and calls readBack from the loop after it was
// acknowledged by all replicas *and* passed through Restore, by which time
// everything that stands before it in the log has been through Restore as
// well. One that stands right behind what was passed need not be fetched for that. An error means that it is unknown whether it stands in the log; the
// runtime has retried. It lingers 4 ms at most. Safe from any goroutine. After
// Close it still writes, as long as the runtime runs, but readBack is not
// called: an exchange that outlives its task leaves its result behind.
func (l *Loop) Append(rec *Record, readBack func(error)) { l.append(rec, readBack) }

// Watermark is the greatest timestamp of a record of the leading topic that
// was taken in (none from the future), or, while the leading topic is caught up,
// when its end was last sampled, within a second: whatever of it could be read
// then has been taken in. Zero without a leading topic.
func (l *Loop) Watermark() time.Time { return l.watermark() }

// Frontier is the offset below which every record of one input partition that
// the task holds has retired: at Open it is the committed offset that the task
// goes on from (the start of the log where none is committed).
func (l *Loop) Frontier(topic string, partition int32) int64 { return l.frontier(topic, partition) }

// Queued reports whether a record of an input topic with that key was taken in
// and has not been handed over yet: it waits for one of its key before it, for
// a worker, or for a Release.
func (l *Loop) Queued(topic string, key []byte) bool { return l.queued(topic, key) }

// Hold stops handing over inputs of a topic until Release, while the group
// membership and everything else go on. Holds of one topic count.
func (l *Loop) Hold(topic string) { l.hold(topic) }

// Release takes one Hold back.
func (l *Loop) Release(topic string) { l.release(topic) }

// Lease is until when nobody else can own this task's partitions: the send
// time of the last own heartbeat that the coordinator accepted, plus the
// session time-out, less two seconds. Check it before every act that cannot be
// fenced, and keep that act's deadline inside it. Both the monotonic and the
// wall clock count. Safe from any goroutine.
func (l *Loop) Lease() time.Time { return l.lease() }

// Fail ends the task and the runtime's current session with it: every task is
// closed, state is restored anew. For an outcome that cannot be known
// otherwise. Safe from any goroutine.
func (l *Loop) Fail(err error) { l.fail(err) }
