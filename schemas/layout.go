package schemas

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"regexp"
	"strings"
)

// Replication says how ClickHouse keeps copies of the tables, which decides how
// they are made.
type Replication string

const (
	// ReplicationNone: tables of one server, engines of the MergeTree family.
	ReplicationNone Replication = "none"
	// ReplicationDatabase: the database's engine is Replicated; it carries
	// statements to all replicas by itself, and tables are Replicated….
	ReplicationDatabase Replication = "database"
	// ReplicationCluster: statements go ON CLUSTER, and tables are Replicated….
	ReplicationCluster Replication = "cluster"
)

// Layout is how the tables of the migrations are made. The zero Layout is that of
// one server, which is how the files are written. Replicas hold whole tables: a
// cluster of several shards would need tables that spread rows, which these do not.
type Layout struct {
	Replication Replication
	Cluster     string // ON CLUSTER, with ReplicationCluster
}

// Replicated reports whether the tables have replicas.
func (l Layout) Replicated() bool {
	return l.Replication == ReplicationDatabase || l.Replication == ReplicationCluster
}

var (
	engineOf     = regexp.MustCompile(`(?m)^ENGINE = (\w*MergeTree)\b`)
	windowOf     = regexp.MustCompile(`\bnon_replicated_deduplication_window = (\d+)`)
	statementOn  = regexp.MustCompile(`(?m)^((?:CREATE (?:TABLE|VIEW|MATERIALIZED VIEW|DATABASE) IF NOT EXISTS|DROP (?:TABLE|VIEW) IF EXISTS|ALTER TABLE) ` + "(?:`[^`]+`|\\w+))")
	tokensLiveOn = "replicated_deduplication_window = $1, replicated_deduplication_window_seconds = 604800" // a week; the default is an hour
)

// Render answers a statement as the layout has it: with replicated engines, which
// know an insert by its token for as many blocks as others do and for a week, and
// ON CLUSTER. Paths and replica names are the server's defaults
// (default_replica_path, default_replica_name).
func (l Layout) Render(statement string) string {
	if !l.Replicated() {
		return statement
	}
	statement = engineOf.ReplaceAllString(statement, "ENGINE = Replicated$1")
	statement = windowOf.ReplaceAllString(statement, tokensLiveOn)
	return l.onCluster(statement)
}

func (l Layout) onCluster(statement string) string {
	if l.Replication != ReplicationCluster {
		return statement
	}
	name := strings.NewReplacer(`\`, `\\`, `'`, `\'`, "$", "$$").Replace(l.Cluster)
	return statementOn.ReplaceAllString(statement, "$1 ON CLUSTER '"+name+"'")
}

// CreateDatabase is the statement that makes a database where it is missing.
// Without a layout of its own it must run on every replica.
func (l Layout) CreateDatabase(quoted, name string) string {
	statement := "CREATE DATABASE IF NOT EXISTS " + quoted
	if l.Replication == ReplicationDatabase {
		path := strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(name)
		return fmt.Sprintf("%s ENGINE = Replicated('/clickhouse/databases/%s', '{shard}', '{replica}')", statement, path)
	}
	return l.onCluster(statement)
}

// Migrations are the migrations as the layout has them, in the root of the file
// system.
func (l Layout) Migrations() (fs.FS, error) {
	files, err := fs.Sub(Migrations, "migrations")
	if err != nil {
		return nil, fmt.Errorf("read migrations: %w", err)
	}
	return rendered{files, l}, nil
}

// rendered is files whose text a layout has gone over.
type rendered struct {
	fs.FS
	layout Layout
}

// Open gives a folder as it is, and a file with its text rendered.
func (r rendered) Open(name string) (fs.File, error) {
	file, err := r.FS.Open(name)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err != nil || info.IsDir() {
		return file, err
	}
	defer file.Close()
	text, err := io.ReadAll(file)
	if err != nil {
		return nil, err
	}
	text = []byte(r.layout.Render(string(text)))
	return renderedFile{bytes.NewReader(text), renderedInfo{info, int64(len(text))}}, nil
}

type renderedFile struct {
	*bytes.Reader
	info renderedInfo
}

func (f renderedFile) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f renderedFile) Close() error               { return nil }

type renderedInfo struct {
	fs.FileInfo
	size int64
}

func (i renderedInfo) Size() int64 { return i.size }
