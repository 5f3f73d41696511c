package stream

import (
	"context"
	"time"
)

// The bodies behind the API, to be built.

type input struct{}

func (*input) done([]*Record, func()) { panic("stream: not built yet") }

type loop struct{}

func (*loop) partition() int32                          { panic("stream: not built yet") }
func (*loop) partitions(string) []int32                 { panic("stream: not built yet") }
func (*loop) owner() string                             { panic("stream: not built yet") }
func (*loop) now() time.Time                            { panic("stream: not built yet") }
func (*loop) context() context.Context                  { panic("stream: not built yet") }
func (*loop) post(func()) bool                          { panic("stream: not built yet") }
func (*loop) after(time.Duration, func()) (stop func()) { panic("stream: not built yet") }
func (*loop) work(f, then func())                       { panic("stream: not built yet") }
func (*loop) emit([]*Record, func())                    { panic("stream: not built yet") }
func (*loop) append(*Record, func(error))               { panic("stream: not built yet") }
func (*loop) watermark() time.Time                      { panic("stream: not built yet") }
func (*loop) frontier(string, int32) int64              { panic("stream: not built yet") }
func (*loop) queued(string, []byte) bool                { panic("stream: not built yet") }
func (*loop) hold(string)                               { panic("stream: not built yet") }
func (*loop) release(string)                            { panic("stream: not built yet") }
func (*loop) lease() time.Time                          { panic("stream: not built yet") }
func (*loop) fail(error)                                { panic("stream: not built yet") }

type runtime struct{}

func newRuntime(Config, func(*Loop) Task) (*Runtime, error) { panic("stream: not built yet") }
func (*runtime) run(context.Context) error                  { panic("stream: not built yet") }
func (*runtime) ready() bool                                { panic("stream: not built yet") }
func marker(*Record) (string, bool)                         { panic("stream: not built yet") }
