package main

import (
	"strings"
	"sync"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// A transaction that is open when the end is asked for bounds what is read. What
// lies right before it may have been aborted, so that nobody is shown it: the
// reading ends with the first thing behind.
func TestScanEndsWhereNothingIsShown(t *testing.T) {
	t.Parallel()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "t"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	connect := []kgo.Opt{kgo.SeedBrokers(cluster.ListenAddrs()...)}
	begun := func(id string, values ...string) *kgo.Client {
		client, err := kgo.NewClient(append(connect, kgo.TransactionalID(id))...)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(client.Close)
		if err := client.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		for _, value := range values {
			if err := client.ProduceSync(t.Context(), &kgo.Record{Topic: "t", Value: []byte(value)}).FirstErr(); err != nil {
				t.Fatal(err)
			}
		}
		return client
	}
	end := func(client *kgo.Client, how kgo.TransactionEndTry) {
		if err := client.EndTransaction(t.Context(), how); err != nil {
			t.Error(err)
		}
	}
	end(begun("first", "a", "b"), kgo.TryCommit)
	aborted, open := begun("aborted", "c", "d"), begun("open", "e")
	end(aborted, kgo.TryAbort)

	reading := make(chan struct{})
	tell := sync.OnceFunc(func() { close(reading) })
	cluster.ControlKey(int16(kmsg.Fetch), func(kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		tell()
		return nil, nil, false
	})
	var over sync.WaitGroup
	defer over.Wait()
	over.Go(func() {
		select {
		case <-reading:
			end(open, kgo.TryCommit)
		case <-t.Context().Done():
		}
	})
	var seen []string
	err = scan(t.Context(), connect, "t", 0, func(r *kgo.Record) error {
		seen = append(seen, string(r.Value))
		return nil
	})
	if got := strings.Join(seen, ""); err != nil || got != "ab" {
		t.Errorf("it read %q and ended with %v, want ab and nil", got, err)
	}
}
