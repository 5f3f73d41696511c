package main

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const (
	module = "doustream/"
	root   = "../.."
)

// ours is what a folder may import of this module, by its first matching row.
var ours = []struct {
	folder string
	may    []string
}{
	{"schemas", []string{"schemas"}},
	{"processors/enrich", []string{"processors/enrich", "schemas", "platform"}},
	{"processors/notify", []string{"processors/notify", "schemas", "platform"}},
	{"processors", []string{"schemas", "platform"}},
	{"sinks", []string{"sinks", "schemas", "platform"}},
	{"platform", []string{"platform"}},
	{"cmd/doustream", []string{"cmd/doustream", "processors", "sinks", "schemas", "platform"}},
	{"cmd/sandbox", []string{"cmd/sandbox", "processors", "sinks", "schemas", "platform"}},
	{"deploy", nil},
}

// owners are the folders that may see a third party.
var owners = map[string][]string{
	"github.com/twmb/franz-go/pkg/kgo":      {"platform/stream", "platform/embedded", "sinks", "cmd"},
	"github.com/twmb/franz-go/pkg/kadm":     {"platform/stream", "platform/embedded", "sinks", "cmd"},
	"github.com/twmb/franz-go/pkg/kmsg":     {"platform/stream", "platform/embedded", "sinks", "cmd"},
	"github.com/twmb/franz-go/pkg/kerr":     {"platform/stream", "platform/embedded", "sinks", "cmd"},
	"github.com/twmb/franz-go/pkg/kfake":    {"platform/embedded", "cmd/sandbox"},
	"github.com/twmb/franz-go/pkg/sr":       {"sinks", "cmd"},
	"github.com/ClickHouse/clickhouse-go":   {"sinks", "cmd"},
	"github.com/ClickHouse/ch-go":           {"sinks", "platform/embedded"},
	"github.com/pressly/goose":              {"sinks", "cmd"},
	"github.com/linkedin/goavro":            {"schemas"},
	"github.com/ebitengine/purego":          {"platform/embedded"},
	"github.com/caarlos0/env":               {"cmd"},
	"github.com/spf13/cobra":                {"cmd"},
	"github.com/go-json-experiment/json":    {"schemas", "platform", "cmd"},
	"github.com/prometheus/client_golang":   {"platform", "processors", "sinks", "cmd"},
	"github.com/failsafe-go/failsafe-go":    {"platform", "processors", "sinks"},
	"github.com/twmb/franz-go/plugin/kslog": {"cmd", "platform/stream", "sinks"},
}

func within(folder string, folders []string) bool {
	return slices.ContainsFunc(folders, func(f string) bool { return folder == f || strings.HasPrefix(folder, f+"/") })
}

// eachImport visits every import of every file that is no test, by the folder
// that the file is in.
func eachImport(t *testing.T, visit func(folder, file, imported string)) {
	t.Helper()
	files := token.NewFileSet()
	err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && name != root && (strings.HasPrefix(entry.Name(), ".") || entry.Name() == "node_modules" || entry.Name() == "testdata") {
			return filepath.SkipDir
		}
		if entry.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		parsed, err := parser.ParseFile(files, name, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		file, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		for _, spec := range parsed.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			visit(path.Dir(filepath.ToSlash(file)), file, imported)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestImportsFollowTheLayout(t *testing.T) {
	t.Parallel()
	seen := 0
	eachImport(t, func(folder, file, imported string) {
		if rest, isOurs := strings.CutPrefix(imported, module); isOurs {
			seen++
			i := slices.IndexFunc(ours, func(row struct {
				folder string
				may    []string
			},
			) bool {
				return within(folder, []string{row.folder})
			})
			if i < 0 || !within(rest, ours[i].may) {
				t.Errorf("%s imports %s, which its folder may not", file, imported)
			}
		}
		for library, folders := range owners {
			if within(imported, []string{library}) && !within(folder, folders) {
				t.Errorf("%s imports %s, which belongs to %v", file, imported, folders)
			}
		}
	})
	if seen < 20 {
		t.Errorf("only %d imports of this module were seen: is this the whole tree?", seen)
	}
}

func TestTopLevelIsTheLayout(t *testing.T) {
	t.Parallel()
	entries, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	allowed := []string{"cmd", "processors", "schemas", "sinks", "platform", "deploy", "go.mod", "go.sum", "README.md", "Makefile", "LICENSE", "node_modules"}
	for _, entry := range entries {
		if !strings.HasPrefix(entry.Name(), ".") && !slices.Contains(allowed, entry.Name()) {
			t.Errorf("%s is at the top level", entry.Name())
		}
	}
	_ = filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() && slices.Contains([]string{"util", "utils", "common", "models", "helpers"}, entry.Name()) && !strings.Contains(name, "/.") && !strings.Contains(name, "node_modules") {
			t.Errorf("%s: a folder is named for what is in it", name)
		}
		return nil
	})
}
