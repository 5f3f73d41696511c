package sinks

import (
	"context"
	"errors"
	"net"
	"testing"

	"github.com/ClickHouse/ch-go"
	"github.com/ClickHouse/ch-go/proto"

	"doustream/schemas"
)

// A block goes in under each way of compressing it, whatever the sizes of its
// columns; what ClickHouse then has is what was sent.
func TestInsertsHoldUnderEveryCompression(t *testing.T) {
	t.Parallel()
	engine := migrated(t)
	conn := connect(t, engine.DSN())
	for i, way := range []string{"none", "lz4", "zstd"} {
		b := newBlock(newUserRows(nil))
		crowd := newCrowd()
		const rows = 3000
		for offset := range rows {
			u := crowd.next()
			b.add(userRecord(t, int64(offset), &u))
		}
		store := storeFor(t, engine.DSN()+"?compress="+way, "user_events", schemas.TopicUsers)
		store.place.partition = int32(i)
		b.partition.data = append(b.partition.data[:0], make([]int32, rows)...)
		for row := range b.partition.data {
			b.partition.data[row] = int32(i)
		}
		if err := store.insert(testContext(t), b, way); err != nil {
			t.Fatalf("%s: %v", way, err)
		}
	}
	if n := count(t, conn, "SELECT uniqExact(digest) FROM (SELECT _partition, sum(cityHash64(toString(tuple(* EXCEPT(_partition, _inserted_at))))) AS digest FROM user_events GROUP BY _partition HAVING count() = 3000)"); n != 1 {
		t.Errorf("%d different contents", n)
	}
	if n := count(t, conn, "SELECT count() FROM user_events WHERE event_id LIKE '01JDA%'"); n != 9000 {
		t.Errorf("%d rows", n)
	}
}

// deaf is a server that takes everything and answers nothing.
func deaf(t *testing.T) net.Conn {
	var listen net.ListenConfig
	listener, err := listen.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			if _, err := listener.Accept(); err != nil {
				return
			}
		}
	}()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// Our hold on a partition ends by its context: an insert that goes on after it
// could meet a successor's look-up.
func TestAnInsertEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(testContext(t))
	i := newInserter(deaf(t), proto.ServerHello{Revision: proto.Version}, ch.Options{Compression: ch.CompressionLZ4})
	ended := make(chan error, 1)
	go func() { ended <- i.insert(ctx, "INSERT INTO t VALUES", nil, proto.Input{}) }()
	cancel(errLease)
	select {
	case err := <-ended:
		if !errors.Is(err, errLease) || fateOf(err) != fatePasses {
			t.Errorf("%v", err)
		}
	case <-testContext(t).Done():
		t.Fatal("it goes on")
	}
}
