package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"doustream/cmd/sandbox/traffic"
	"doustream/platform/douyin"
	"doustream/platform/douyin/douyintest"
)

// report is what a demo has to say.
type report struct {
	account *account
	faults  []string // beside the account's
	answers [][][]string

	summary   douyintest.Summary
	fetches   map[string]int // requests for tokens, by app, kind and whether they failed
	delivered int            // messages that users have
	sentTwice []string       // messages that a user has twice
	codes     []string       // codes that were sent more often than they may be

	killed       int // processes, with kill -9
	outages      int // of the platform
	worked, took time.Duration
}

// askPlatform holds the platform's ledger against what must never happen.
func (r *report) askPlatform(ctx context.Context, control *douyintest.Control) (err error) {
	if r.summary, err = control.Summary(ctx); err != nil {
		return err
	}
	fetches, err := control.TokenFetches(ctx)
	if err != nil {
		return err
	}
	r.fetches = map[string]int{}
	for _, f := range fetches {
		key := f.AppID + " " + string(f.Kind)
		if f.ErrNo != 0 || f.Fault != "" {
			key += ", failed"
		}
		r.fetches[key]++
	}
	messages, err := control.Messages(ctx)
	if err != nil {
		return err
	}
	r.countMessages(messages)
	codes, err := control.Codes(ctx, 2)
	if err != nil {
		return err
	}
	r.judgeCodes(codes)
	return nil
}

// countMessages finds users who have one message twice (I7).
func (r *report) countMessages(messages []douyintest.Message) {
	seen := map[string]int{}
	for _, m := range messages {
		if !m.Delivered {
			continue
		}
		r.delivered++
		key := fmt.Sprint(m.AppID, " ", m.OpenID, " ", m.TemplateID, " ", m.Data)
		if seen[key]++; seen[key] == 2 {
			r.sentTwice = append(r.sentTwice, "the user has it twice: "+key)
		}
	}
}

// wrongSecret is jscode2session's number for it.
const wrongSecret = 40017

// judgeCodes finds codes that were sent again although an answer had come, or
// more than once again after an outcome that nobody can know (I3). A request
// that the platform throttled, or whose secret it refused, was refused for
// certain, and does not count.
func (r *report) judgeCodes(codes []douyintest.CodeHistory) {
	for _, c := range codes {
		sent := 0
		for _, ask := range c.Asks {
			if ask.Fault != douyintest.ModeThrottle && ask.ErrNo != wrongSecret {
				sent++
			}
		}
		if sent > 2 || sent == 2 && c.AppID != traffic.AppLost && r.killed+r.outages == 0 {
			r.codes = append(r.codes, fmt.Sprintf("a code of %s in app %s was sent %d times", c.User, c.AppID, sent))
		}
	}
}

// verdict is an error if the accounting does not hold.
func (r *report) verdict() error {
	if n := len(r.allFaults()); n > 0 {
		return fmt.Errorf("the accounting does not hold: %d faults", n)
	}
	return nil
}

func (r *report) allFaults() []string {
	return slices.Concat(r.faults, r.account.faults(), r.sentTwice, r.codes)
}

// print writes the report.
func (r *report) print(w io.Writer) {
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	r.printIn(t)
	r.printOut(t)
	r.printPlatform(t)
	r.printLatency(t)
	for i, table := range r.answers {
		fmt.Fprintf(t, "\n%s\n", questions[i].asked)
		for _, line := range table {
			fmt.Fprintf(t, "  %s\n", strings.Join(line, "\t"))
		}
	}
	r.printAccount(t)
	_ = t.Flush()
}

func (r *report) printIn(w io.Writer) {
	topics, cases := map[string]int{}, map[string]bool{}
	for _, f := range r.account.fates {
		topics[f.sent.Topic]++
		cases[f.sent.Case] = true
	}
	fmt.Fprintf(w, "\nIn: %d records, of %d cases; all done after %s\n", len(r.account.fates), len(cases), r.worked.Round(100*time.Millisecond))
	printCounts(w, topics)
}

func (r *report) printOut(w io.Writer) {
	dead := func(f *fate) bool { return strings.ToLower(f.kafka[0].what) == f.kafka[0].what }
	fmt.Fprint(w, "\nEnriched users\n")
	printCounts(w, r.account.tally(func(f *fate) bool { return !f.sent.Order && !dead(f) }))
	fmt.Fprint(w, "\nDead letters by reason\n")
	printCounts(w, r.account.tally(dead))
	fmt.Fprint(w, "\nNotifications by status\n")
	printCounts(w, r.account.tally(func(f *fate) bool { return f.sent.Order && !dead(f) }))
}

func (r *report) printPlatform(w io.Writer) {
	fmt.Fprintf(w, "\nAsked of the open platform\n")
	for _, e := range douyin.Endpoints() {
		if counts := r.summary.Requests[e]; len(counts) > 0 {
			var parts []string
			for _, outcome := range slices.Sorted(maps.Keys(counts)) {
				name := outcome
				if name == "0" {
					name = "ok"
				}
				parts = append(parts, fmt.Sprintf("%s: %d", name, counts[outcome]))
			}
			fmt.Fprintf(w, "  %s\t%s\n", e, strings.Join(parts, ", "))
		}
	}
	fmt.Fprintf(w, "  messages that reached a user\t%d\n", r.delivered)
	fmt.Fprint(w, "\nTokens fetched\n")
	printCounts(w, r.fetches)
}

func (r *report) printLatency(w io.Writer) {
	enriched, rows := r.account.latencies()
	fmt.Fprintf(w, "\nLatency of %d logins\tp50\tp99\n", len(enriched))
	for _, line := range []struct {
		name   string
		sorted []time.Duration
	}{{"any record → acknowledged by Kafka", r.account.acked()}, {"login → enriched, read committed", enriched}, {"login → row in ClickHouse", rows}} {
		if len(line.sorted) == 0 {
			continue
		}
		fmt.Fprintf(w, "  %s\t%s\t%s\n", line.name, percentile(line.sorted, .5).Round(time.Millisecond), percentile(line.sorted, .99).Round(time.Millisecond))
	}
}

const maxFaults = 20

func (r *report) printAccount(w io.Writer) {
	faults := r.allFaults()
	readers := "by a read_committed reader"
	if r.account.rows {
		readers += " and as rows in ClickHouse"
	}
	fmt.Fprintf(w, "\nAccounting: %d records sent; each enriched once, answered once or dead-lettered once\n", len(r.account.fates))
	if r.killed+r.outages > 0 {
		fmt.Fprintf(w, "through %d kill -9 of its processes and %d outages of the platform, ", r.killed, r.outages)
	}
	fmt.Fprintf(w, "as it must, seen %s;\neach session in order, no code and no message sent twice: ", readers)
	if len(faults) == 0 {
		fmt.Fprintf(w, "holds.\nThe demo took %s.\n", r.took.Round(time.Second))
		return
	}
	fmt.Fprintf(w, "DOES NOT HOLD, %d faults\n", len(faults))
	for _, f := range faults[:min(len(faults), maxFaults)] {
		fmt.Fprintf(w, "  %s\n", f)
	}
	if more := len(faults) - maxFaults; more > 0 {
		fmt.Fprintf(w, "  … and %d more\n", more)
	}
}

func printCounts(w io.Writer, counts map[string]int) {
	if len(counts) == 0 {
		fmt.Fprint(w, "  none\n")
	}
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		fmt.Fprintf(w, "  %s\t%d\n", name, counts[name])
	}
}
