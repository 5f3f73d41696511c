package sinks

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/ClickHouse/ch-go"
	"github.com/ClickHouse/ch-go/proto"
	"github.com/prometheus/client_golang/prometheus"
)

// ClickHouse's numbers, as its documentation has them.
func TestWhatAnErrorCallsFor(t *testing.T) {
	t.Parallel()
	families := map[string]struct {
		want  fate
		codes []proto.Error
	}{
		"too many parts, merges are behind": {fatePasses, []proto.Error{252}},
		"memory":                            {fatePasses, []proto.Error{241, 173}},
		"time-outs":                         {fatePasses, []proto.Error{159, 160, 209}},
		"read-only: maintenance, a replica without its keeper": {fatePasses, []proto.Error{164, 242}},
		"network":                                       {fatePasses, []proto.Error{210, 198, 279, 3, 32, 33}},
		"too many queries, quotas":                      {fatePasses, []proto.Error{201, 202, 203, 745}},
		"the keeper, quorums and replicas":              {fatePasses, []proto.Error{225, 999, 254, 285, 286, 289, 319}},
		"a full disk":                                   {fatePasses, []proto.Error{243}},
		"a server that ends":                            {fatePasses, []proto.Error{236, 394}},
		"a value that does not fit its type":            {fateRow, []proto.Error{70, 69, 321, 349, 407, 691}},
		"a constraint, or a view that throws":           {fateRow, []proto.Error{469, 395, 153}},
		"a table, column or database that is not there": {fateStops, []proto.Error{60, 218, 16, 10, 8, 47, 81}},
		"a right, a user or a password":                 {fateStops, []proto.Error{497, 192, 193, 516}},
		"a setting that the server does not know":       {fateStops, []proto.Error{115}},
		"types that do not match":                       {fateStops, []proto.Error{53}},
		"a code that nobody knows":                      {fateStops, []proto.Error{99999, 49, 62}},
	}
	for name, family := range families {
		t.Run(name, func(t *testing.T) {
			for _, code := range family.codes {
				err := fmt.Errorf("insert: %w", scrub(fmt.Errorf("query: %w", &ch.Exception{Code: code, Name: "DB::Exception", Message: "m"})))
				if got := fateOf(err); got != family.want {
					t.Errorf("%v: fate %d, want %d", err, got, family.want)
				}
			}
		})
	}
	for name, tc := range map[string]struct {
		err  error
		want fate
	}{
		"a deadline":                         {context.DeadlineExceeded, fatePasses},
		"a cut connection":                   {io.ErrUnexpectedEOF, fatePasses},
		"no connection":                      {&net.OpError{Op: "dial", Err: errors.New("connection refused")}, fatePasses},
		"the lease":                          {errLease, fatePasses},
		"rows that go missing":               {fmt.Errorf("x: %w", errVanished), fateStops},
		"a log that was cut":                 {fmt.Errorf("x: %w", errCut), fateStops},
		"a refused row whose record is gone": {fmt.Errorf("x: %w", errGone), fateStops},
	} {
		t.Run(name, func(t *testing.T) {
			if got := fateOf(tc.err); got != tc.want {
				t.Errorf("fate %d, want %d", got, tc.want)
			}
		})
	}
}

// I8: what the server says of a value stays with the server.
func TestI8WhatQuotesARowIsNotRepeated(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		code  proto.Error
		shown bool
	}{
		"a violated constraint":       {469, false},
		"a value out of range":        {321, false},
		"an unknown code":             {99999, false},
		"a type that does not match":  {53, false},
		"a missing table":             {60, true},
		"a right that is not granted": {497, true},
		"memory":                      {241, true},
	} {
		t.Run(name, func(t *testing.T) {
			err := scrub(fmt.Errorf("query: %w", &ch.Exception{Code: tc.code, Message: "13800000000"}))
			if strings.Contains(err.Error(), "13800000000") != tc.shown || !strings.Contains(err.Error(), fmt.Sprintf("(%d)", tc.code)) {
				t.Error(err)
			}
		})
	}
}

// ClickHouse that has too many parts is waited for.
func TestARefusalThatPassesIsTriedAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	w.exec("SYSTEM STOP MERGES user_events")
	w.produce(w.users(10, 0)...)
	cfg := w.config()
	cfg.Metrics = prometheus.NewRegistry()
	s, _ := w.run(cfg)
	w.once(10)
	w.exec("ALTER TABLE user_events MODIFY SETTING parts_to_throw_insert = 1, parts_to_delay_insert = 1, max_delay_to_insert = 0")
	w.produce(w.users(10, 0)...)
	retries := s.metrics.retries.WithLabelValues("user_events", stepInsert)
	until(t, "the second try", func() bool { return value(t, retries) >= 2 })
	w.exec("ALTER TABLE user_events RESET SETTING parts_to_throw_insert, parts_to_delay_insert, max_delay_to_insert")
	w.once(20)
	if err := s.Ready(); err != nil {
		t.Error(err)
	}
}
