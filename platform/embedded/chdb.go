package embedded

import (
	"errors"
	"fmt"
	"runtime"
	"unsafe"

	"github.com/ebitengine/purego"
)

// engine is libchdb loaded into this process: ClickHouse's own code, without a server around it.
// A process opens one data directory for life; every session shares it.
type engine struct {
	connect      func(argc int32, argv **byte) *uintptr
	closeConn    func(conn *uintptr)
	query        func(conn uintptr, query *byte, queryLen uintptr, format *byte, formatLen uintptr) uintptr
	streamQuery  func(conn uintptr, query *byte, queryLen uintptr, format *byte, formatLen uintptr) uintptr
	streamFetch  func(conn, result uintptr) uintptr
	streamCancel func(conn, result uintptr)
	destroy      func(result uintptr)
	buffer       func(result uintptr) unsafe.Pointer
	length       func(result uintptr) uintptr
	rowsRead     func(result uintptr) uint64
	bytesRead    func(result uintptr) uint64
	message      func(result uintptr) string
}

// loadEngine loads the library and binds what is used of it. The library's own signal handlers are kept out: the Go
// runtime needs those signals.
func loadEngine(path string) (*engine, error) {
	lib, err := purego.Dlopen(path, purego.RTLD_NOW|purego.RTLD_LOCAL)
	if err != nil {
		return nil, fmt.Errorf("load %s: %w", path, err)
	}
	var (
		e        engine
		handlers func(enabled int32)
	)
	for name, fn := range map[string]any{
		"chdb_set_signal_handlers_enabled": &handlers,
		"chdb_connect":                     &e.connect,
		"chdb_close_conn":                  &e.closeConn,
		"chdb_query_n":                     &e.query,
		"chdb_stream_query_n":              &e.streamQuery,
		"chdb_stream_fetch_result":         &e.streamFetch,
		"chdb_stream_cancel_query":         &e.streamCancel,
		"chdb_destroy_query_result":        &e.destroy,
		"chdb_result_buffer":               &e.buffer,
		"chdb_result_length":               &e.length,
		"chdb_result_storage_rows_read":    &e.rowsRead,
		"chdb_result_storage_bytes_read":   &e.bytesRead,
		"chdb_result_error":                &e.message,
	} {
		symbol, err := purego.Dlsym(lib, name)
		if err != nil {
			return nil, fmt.Errorf("find %s in %s: %w", name, path, err)
		}
		purego.RegisterFunc(fn, symbol)
	}
	handlers(0)
	return &e, nil
}

// session is one connection to the engine: a current database, settings and temporary tables of its own. It runs one
// statement at a time; several sessions run in parallel.
type session struct {
	engine *engine
	conn   *uintptr
}

// open makes a session on the data directory.
func (e *engine) open(dir string) (*session, error) {
	args := []string{"clickhouse", "--path=" + dir}
	argv := make([]*byte, len(args))
	for i, a := range args {
		b := append([]byte(a), 0)
		argv[i] = &b[0]
	}
	conn := e.connect(int32(len(argv)), &argv[0])
	runtime.KeepAlive(argv)
	if conn == nil || *conn == 0 {
		return nil, fmt.Errorf("open %s: the engine gave no connection", dir)
	}
	return &session{engine: e, conn: conn}, nil
}

// close ends the session; the last one closes the data directory.
func (s *session) close() { s.engine.closeConn(s.conn) }

// result is the answer to a statement, or a part of it. It must be freed.
type result struct {
	engine *engine
	handle uintptr
}

var errNoResult = errors.New("the engine gave no result")

func (e *engine) wrap(handle uintptr) (result, error) {
	if handle == 0 {
		return result{}, errNoResult
	}
	r := result{e, handle}
	if text := e.message(handle); text != "" {
		r.free()
		return result{}, parseException(text)
	}
	return r, nil
}

func (r result) free() { r.engine.destroy(r.handle) }

// bytes are the result's, valid until it is freed.
func (r result) bytes() []byte {
	n := r.engine.length(r.handle)
	if n == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(r.engine.buffer(r.handle)), n)
}

const nativeFormat = "Native"

// run executes one statement to its end and gives its whole answer in Native format.
func (s *session) run(statement string) (result, error) {
	handle := s.engine.query(*s.conn, unsafe.StringData(statement), uintptr(len(statement)), unsafe.StringData(nativeFormat), uintptr(len(nativeFormat)))
	runtime.KeepAlive(statement)
	return s.engine.wrap(handle)
}

// exec executes one statement whose answer is of no interest.
func (s *session) exec(statement string) error {
	r, err := s.run(statement)
	if err != nil {
		return err
	}
	r.free()
	return nil
}

// stream is an answer that is fetched block by block.
type stream struct {
	session *session
	head    result
}

// start begins a statement whose answer is fetched as it is made.
func (s *session) start(statement string) (*stream, error) {
	handle := s.engine.streamQuery(*s.conn, unsafe.StringData(statement), uintptr(len(statement)), unsafe.StringData(nativeFormat), uintptr(len(nativeFormat)))
	runtime.KeepAlive(statement)
	head, err := s.engine.wrap(handle)
	if err != nil {
		return nil, err
	}
	return &stream{session: s, head: head}, nil
}

// next gives the next part of the answer; an empty one is the end. The caller frees it.
func (t *stream) next() (result, error) {
	return t.session.engine.wrap(t.session.engine.streamFetch(*t.session.conn, t.head.handle))
}

// cancel stops the statement; close must still be called.
func (t *stream) cancel() { t.session.engine.streamCancel(*t.session.conn, t.head.handle) }

func (t *stream) close() { t.head.free() }
