package schemas

import (
	"io/fs"
	"os"
	"regexp"
	"strings"
	"testing"
)

var heads = regexp.MustCompile(`(?m)^(?:CREATE|DROP|ALTER|ENGINE|SETTINGS|TTL) ?.*$`)

// headsOf are the lines of all migrations that a layout may change.
func headsOf(t *testing.T, l Layout) string {
	t.Helper()
	files, err := l.Migrations()
	if err != nil {
		t.Fatal(err)
	}
	names, err := fs.Glob(files, "*.sql")
	if err != nil || len(names) < 6 {
		t.Fatalf("%d migrations, %v", len(names), err)
	}
	var b strings.Builder
	for _, name := range names {
		text, err := fs.ReadFile(files, name)
		if err != nil {
			t.Fatal(err)
		}
		info, err := fs.Stat(files, name)
		if err != nil || info.Size() != int64(len(text)) {
			t.Errorf("%s: %d bytes said, %d there: %v", name, info.Size(), len(text), err)
		}
		b.WriteString("-- " + name + "\n" + strings.Join(heads.FindAllString(string(text), -1), "\n") + "\n")
	}
	return b.String()
}

// The statements of each layout, held against what was read over once. A migration
// that is added makes the files anew: delete them, then go test -update.
func TestLayoutsOfTheMigrations(t *testing.T) {
	t.Parallel()
	for name, layout := range map[string]Layout{
		"database": {Replication: ReplicationDatabase},
		"cluster":  {Replication: ReplicationCluster, Cluster: "it's"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file, got := "testdata/layout/"+name+".sql", headsOf(t, layout)
			want, err := os.ReadFile(file)
			if os.IsNotExist(err) && *update {
				want, err = []byte(got), os.WriteFile(file, []byte(got), 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("testdata/layout/%s.sql should be:\n%s", name, got)
			}
			for line := range strings.Lines(got) {
				if strings.HasPrefix(line, "ENGINE") && !strings.Contains(line, " Replicated") || strings.Contains(line, "non_replicated") {
					t.Errorf("not replicated: %s", line)
				}
				if name == "cluster" && regexp.MustCompile(`^(CREATE|DROP|ALTER)`).MatchString(line) && !strings.Contains(line, ` ON CLUSTER 'it\'s'`) {
					t.Errorf("not on the cluster: %s", line)
				}
			}
		})
	}
}

func TestTheLayoutOfOneServerIsTheFilesThemselves(t *testing.T) {
	t.Parallel()
	for _, l := range []Layout{{}, {Replication: ReplicationNone, Cluster: "unused"}} {
		const statement = "CREATE TABLE IF NOT EXISTS t (a Int8)\nENGINE = MergeTree\nSETTINGS non_replicated_deduplication_window = 1"
		if got := l.Render(statement); got != statement {
			t.Error(got)
		}
	}
}

func TestCreateDatabase(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		layout Layout
		want   string
	}{
		"one server": {Layout{}, "CREATE DATABASE IF NOT EXISTS `db`"},
		"database":   {Layout{Replication: ReplicationDatabase}, "CREATE DATABASE IF NOT EXISTS `db` ENGINE = Replicated('/clickhouse/databases/db', '{shard}', '{replica}')"},
		"cluster":    {Layout{Replication: ReplicationCluster, Cluster: "c$1"}, "CREATE DATABASE IF NOT EXISTS `db` ON CLUSTER 'c$1'"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := tc.layout.CreateDatabase("`db`", "db"); got != tc.want {
				t.Errorf("%s\nwant\n%s", got, tc.want)
			}
		})
	}
}
