package config

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

var testKey = base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{7}, 32))

// good is an environment that every use starts with.
func good(changes ...string) []string {
	environ := []string{
		"PATH=/bin",
		"DOUSTREAM_KAFKA_BROKERS=127.0.0.1:9092, [::1]:9093",
		"DOUSTREAM_CLICKHOUSE_DSN=clickhouse://someone:dsnsecret@127.0.0.1:9000/doustream",
		"DOUSTREAM_APPS_0_ID=tt1", "DOUSTREAM_APPS_0_SECRET=appsecret",
		"DOUSTREAM_SEALING_KEYS=s1:" + testKey, "DOUSTREAM_PERSONAL_KEYS=p1:" + testKey,
		"DOUSTREAM_PHONE_PEPPERS=h1:" + testKey,
	}
	return append(environ, changes...) // later entries win
}

func load(t *testing.T, environ []string, uses ...Use) (*Config, []string, Faults) {
	t.Helper()
	c, unknown, err := Load(environ, uses...)
	var faults Faults
	if err != nil && !errors.As(err, &faults) {
		t.Fatalf("not faults: %v", err)
	}
	return c, unknown, faults
}

func TestLoadDefaults(t *testing.T) {
	t.Parallel()
	c, unknown, faults := load(t, good(), Enrich, Sink, Notify)
	if len(faults) > 0 || len(unknown) > 0 {
		t.Fatalf("faults %v, unknown %v", faults, unknown)
	}
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	checks := []struct {
		name      string
		got, want any
	}{
		{"brokers", c.Kafka.Brokers, []string{"127.0.0.1:9092", "[::1]:9093"}},
		{"instance", c.Process.Instance, host},
		{"in flight", c.Enrich.InFlight, 1024},
		{"commit interval", c.Transaction.CommitInterval, 100 * time.Millisecond},
		{"session life", c.TopicsToBe.SessionLife, 72 * time.Hour},
		{"format", c.Enrich.Format, "single-object"},
		{"driver", c.Notify.Driver, "v2"},
		{"order topics", c.Names.OrderTopics, []string{"orders.notifications"}},
		{"group", c.Names.Group(Enrich), "doustream-enrich"},
		{"app secret", string(c.Apps.Douyin()[0].Secret), "appsecret"},
		{"dsn shown", c.ClickHouse.Shown(), "127.0.0.1:9000/doustream"},
	}
	for _, check := range checks {
		if !reflect.DeepEqual(check.got, check.want) {
			t.Errorf("%s: %v, want %v", check.name, check.got, check.want)
		}
	}
}

// Each time limit stands for itself: a session may be given up before JOIN_WAIT.
func TestASessionWaitMayBeShort(t *testing.T) {
	t.Parallel()
	c, _, faults := load(t, good("DOUSTREAM_SESSION_WAIT=1s"), Enrich)
	if len(faults) > 0 || c.Enrich.SessionWait != time.Second {
		t.Errorf("session wait %v, faults %v", c.Enrich.SessionWait, faults)
	}
}

// The sink reads framed records, whose schemas a registry names.
func TestEveryRoleKnowsTheRegistry(t *testing.T) {
	t.Parallel()
	for _, role := range Roles {
		c, _, faults := load(t, good("DOUSTREAM_SCHEMA_REGISTRY_URL=http://r"), role)
		if len(faults) > 0 || c.Registry.URL != "http://r" {
			t.Errorf("%s: registry %q, faults %v", role, c.Registry.URL, faults)
		}
	}
}

// I10: bad configuration names every wrong variable in one message.
func TestLoadNamesEveryFaultAtOnce(t *testing.T) {
	t.Parallel()
	_, _, faults := load(t, nil, Enrich, Sink, Notify)
	want := []string{
		"DOUSTREAM_APPS_0_ID", "DOUSTREAM_APPS_0_SECRET", "DOUSTREAM_CLICKHOUSE_DSN", "DOUSTREAM_KAFKA_BROKERS",
		"DOUSTREAM_PERSONAL_KEYS", "DOUSTREAM_PHONE_PEPPERS", "DOUSTREAM_SEALING_KEYS",
	}
	if got := faults.Variables(); !slices.Equal(got, want) {
		t.Errorf("nothing set: %v, want %v", got, want)
	}
	_, _, faults = load(t, good("DOUSTREAM_ENRICH_IN_FLIGHT=many", "DOUSTREAM_CODE_LIFE=3", "DOUSTREAM_NOTIFY_DRIVER=v3",
		"DOUSTREAM_ENRICH_WINDOW=0", "DOUSTREAM_KAFKA_TLS=perhaps", "DOUSTREAM_APPS_1_ID=tt2"), Enrich, Notify)
	want = []string{
		"DOUSTREAM_APPS_1_SECRET", "DOUSTREAM_CODE_LIFE", "DOUSTREAM_ENRICH_IN_FLIGHT", "DOUSTREAM_ENRICH_WINDOW",
		"DOUSTREAM_KAFKA_TLS", "DOUSTREAM_NOTIFY_DRIVER",
	}
	if got := faults.Variables(); !slices.Equal(got, want) {
		t.Errorf("six faults: %v, want %v", got, want)
	}
}

func TestLoadFinds(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		change   string
		variable string
		problem  string
	}{
		{"a required variable that is empty", "KAFKA_BROKERS=", "KAFKA_BROKERS", "is not set"},
		{"a required variable of spaces", "KAFKA_BROKERS=  ", "KAFKA_BROKERS", "is not set"},
		{"a broker without a port", "KAFKA_BROKERS=localhost", "KAFKA_BROKERS", "not host:port"},
		{"a broker with port 0", "KAFKA_BROKERS=localhost:0", "KAFKA_BROKERS", "not host:port"},
		{"a list of commas", "KAFKA_BROKERS=,,", "KAFKA_BROKERS", "names nothing"},
		{"a number above its range", "ENRICH_IN_FLIGHT=1000001", "ENRICH_IN_FLIGHT", "not between 1 and 100000"},
		{"a duration below its range", "COMMIT_INTERVAL=1ms", "COMMIT_INTERVAL", "not between 5ms and 5s"},
		{"a negative duration", "JOIN_WAIT=-1s", "JOIN_WAIT", "not between"},
		{"a number with a unit", "SINK_BLOCK_ROWS=10k", "SINK_BLOCK_ROWS", "not a whole number"},
		{"a wait of nothing, which would mean the default", "SESSION_WAIT=0s", "SESSION_WAIT", "not between"},
		{"a session shorter than a code", "SESSION_LIFE=1m", "SESSION_LIFE", "CODE_LIFE"},
		{"a log level that is none", "LOG_LEVEL=loud", "LOG_LEVEL", "no log level"},
		{"a log format that is none", "LOG_FORMAT=xml", "LOG_FORMAT", "not one of text, json"},
		{"an address without a port", "HTTP_ADDR=localhost", "HTTP_ADDR", "not host:port"},
		{"profiles for everybody", "PPROF_ADDR=:6060", "PPROF_ADDR", "not a loopback address"},
		{"an instance with a space", "INSTANCE_ID=a b", "INSTANCE_ID", "letters, digits"},
		{"a prefix that Kafka refuses", "TOPIC_PREFIX=a/b", "TOPIC_PREFIX", "letters, digits"},
		{"an order topic twice", "ORDER_TOPICS=a,a", "ORDER_TOPICS", "twice"},
		{"an order topic that notify writes to itself", "ORDER_TOPICS=orders.notifications,notifications.results", "ORDER_TOPICS", "doustream's own"},
		{"an order topic that holds notify's state", "ORDER_TOPICS=doustream.notifications", "ORDER_TOPICS", "doustream's own"},
		{"an order topic that events come from", "ORDER_TOPICS=miniapp.login", "ORDER_TOPICS", "doustream's own"},
		{"an app id with what stands between ids in keys", "APPS_0_ID=tt|1", "APPS_0_ID", "|"},
		{"an app twice", "APPS_1_ID=tt1", "APPS_1_ID", "an app before it has"},
		{"an app behind a gap", "APPS_2_ID=tt3", "APPS_2_ID", "without a gap"},
		{"a platform that is no address", "DOUYIN_APPS_URL=developer.toutiao.com", "DOUYIN_APPS_URL", "not an http or https"},
		{"a registry with a password in it", "SCHEMA_REGISTRY_URL=http://a:urlsecret@b", "SCHEMA_REGISTRY_URL", "holds a password"},
		{"registry framing without a registry", "ENRICHED_FORMAT=confluent", "SCHEMA_REGISTRY_URL", "is not set"},
		{"a mechanism without a user", "KAFKA_SASL_MECHANISM=PLAIN", "KAFKA_SASL_USER", "is not set"},
		{"a password without a mechanism", "KAFKA_SASL_PASSWORD=saslsecret", "KAFKA_SASL_MECHANISM", "is not set"},
		{"a mechanism that is none", "KAFKA_SASL_MECHANISM=KERBEROS", "KAFKA_SASL_MECHANISM", "not one of"},
		{"authorities that are not there", "KAFKA_TLS_CA_FILE=/nowhere", "KAFKA_TLS_CA_FILE", "cannot be used"},
		{"a certificate without its key", "KAFKA_TLS_CERT_FILE=/nowhere", "KAFKA_TLS_KEY_FILE", "is not set"},
		{"ClickHouse's authorities that are not there", "CLICKHOUSE_TLS_CA_FILE=/nowhere", "CLICKHOUSE_TLS_CA_FILE", "cannot be used"},
		{"ClickHouse's key without a certificate", "CLICKHOUSE_TLS_KEY_FILE=/nowhere", "CLICKHOUSE_TLS_CERT_FILE", "is not set"},
		{"a cluster without a name", "CLICKHOUSE_REPLICATION=cluster", "CLICKHOUSE_CLUSTER", "goes with"},
		{"a cluster that nothing is made on", "CLICKHOUSE_CLUSTER=c", "CLICKHOUSE_CLUSTER", "goes with"},
		{"a way to replicate that is none", "CLICKHOUSE_REPLICATION=twice", "CLICKHOUSE_REPLICATION", "not one of"},
		{"rows kept for less than nothing", "CLICKHOUSE_USER_EVENTS_DAYS=-2", "CLICKHOUSE_USER_EVENTS_DAYS", "-1"},
		{"a key that is short", "SEALING_KEYS=s1:c2hvcnRzZWNyZXQ=", "SEALING_KEYS", "the key has 11 bytes"},
		{"enforcing credits of unknown templates", "NOTIFY_CREDITS=enforce", "NOTIFY_TEMPLATES", "is not set"},
		{"a template of no kind", "NOTIFY_TEMPLATES=a=once", "NOTIFY_TEMPLATES", "one-time or"},
		{"a template with an empty keyword", "NOTIFY_TEMPLATES=a=one-time:k:", "NOTIFY_TEMPLATES", ":keyword"},
		{"a template twice", "NOTIFY_TEMPLATES=a=one-time,a=long-term", "NOTIFY_TEMPLATES", "twice"},
		{"an app's token that its driver cannot send with", "APPS_0_NOTIFY_TOKEN=access_token", "APPS_0_NOTIFY_TOKEN", "cannot send with"},
		{"an app's rate below nothing", "APPS_0_NOTIFY_RATE=-1", "APPS_0_NOTIFY_RATE", "not between"},
		{"an app's driver that is none", "APPS_0_NOTIFY_DRIVER=v3", "APPS_0_NOTIFY_DRIVER", "not one of"},
		{"a token that the driver cannot send with", "NOTIFY_TOKEN=access_token", "NOTIFY_TOKEN", "cannot send with"},
		{"tokens handed out to everybody", "NOTIFY_TOKEN_ADDR=0.0.0.0:9", "NOTIFY_TOKEN_ADDR", "not a loopback address"},
		{"tokens handed out by a host alone", "NOTIFY_TOKEN_ADDR=localhost", "NOTIFY_TOKEN_ADDR", "not host:port"},
		{"a pepper that is short", "PHONE_PEPPERS=h1:c2hvcnRzZWNyZXQ=", "PHONE_PEPPERS", "(id h1)"},
		{"a DSN that is none", "CLICKHOUSE_DSN=clickhouse://x:dsnsecret@[", "CLICKHOUSE_DSN", "is not a DSN"},
		{"a secret file that is not there", "KAFKA_SASL_PASSWORD_FILE=/nowhere", "KAFKA_SASL_PASSWORD_FILE", "cannot be read"},
		{"a secret in both places", "APPS_0_SECRET_FILE=/nowhere", "APPS_0_SECRET_FILE", "both set"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, _, faults := load(t, good(Prefix+tt.change), Enrich, Sink, Notify)
			i := slices.IndexFunc(faults, func(f Fault) bool { return f.Variable == Prefix+tt.variable })
			if i < 0 || !strings.Contains(faults[i].Problem, tt.problem) {
				t.Fatalf("faults %v, want %s %s", faults, tt.variable, tt.problem)
			}
			for _, secret := range []string{"dsnsecret", "urlsecret", "saslsecret", "appsecret", "shortsecret", "c2hvcnRzZWNyZXQ", testKey} {
				if strings.Contains(faults.Error(), secret) {
					t.Errorf("I8: the message carries a secret: %v", faults)
				}
			}
		})
	}
}

func TestEverySecretComesFromAFileToo(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	found := 0
	for _, v := range Variables(&Config{}) {
		if !v.Secret {
			continue
		}
		found++
		t.Run(v.Name, func(t *testing.T) {
			t.Parallel()
			value := "k9:" + testKey
			if strings.HasSuffix(v.Name, "_DSN") {
				value = "clickhouse://127.0.0.1:1/filed"
			}
			path := filepath.Join(dir, v.Name)
			if err := os.WriteFile(path, []byte(value+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			c, unknown, faults := load(t, good(v.Name+"=", v.Name+"_FILE="+path, "DOUSTREAM_KAFKA_SASL_MECHANISM=PLAIN",
				"DOUSTREAM_KAFKA_SASL_USER=u", "DOUSTREAM_KAFKA_SASL_PASSWORD="+map[bool]string{false: "x"}[v.Name == "DOUSTREAM_KAFKA_SASL_PASSWORD"],
				"DOUSTREAM_SCHEMA_REGISTRY_URL=http://r"), Enrich, Sink, Notify)
			if len(faults) > 0 || len(unknown) > 0 {
				t.Fatalf("faults %v, unknown %v", faults, unknown)
			}
			i := slices.IndexFunc(Variables(c), func(have Variable) bool { return have.Name == v.Name })
			if got := Variables(c)[i]; got.Value() == "" || strings.Contains(got.Value(), testKey) {
				t.Errorf("value %q", got.Value())
			}
		})
	}
	if found != 7 {
		t.Errorf("%d secrets are declared", found)
	}
}

func TestUsesReadOnlyTheirSections(t *testing.T) {
	t.Parallel()
	tests := []struct {
		use  Use
		want []string
	}{
		{Migrate, []string{"DOUSTREAM_CLICKHOUSE_DSN"}},
		{Topics, []string{"DOUSTREAM_KAFKA_BROKERS"}},
		{DeadLetters, []string{"DOUSTREAM_KAFKA_BROKERS"}},
		{Token, []string{"DOUSTREAM_KAFKA_BROKERS", "DOUSTREAM_SEALING_KEYS"}},
		{Verify, []string{"DOUSTREAM_CLICKHOUSE_DSN", "DOUSTREAM_KAFKA_BROKERS"}},
		{Sink, []string{"DOUSTREAM_CLICKHOUSE_DSN", "DOUSTREAM_KAFKA_BROKERS"}},
	}
	for _, tt := range tests {
		t.Run(string(tt.use), func(t *testing.T) {
			t.Parallel()
			_, _, faults := load(t, []string{"DOUSTREAM_NOTIFY_DRIVER=v3"}, tt.use)
			if got := faults.Variables(); !slices.Equal(got, tt.want) {
				t.Errorf("%v, want %v", got, tt.want)
			}
		})
	}
}

func TestAFileThatIsNotNeededIsNotRead(t *testing.T) {
	t.Parallel()
	environ := []string{"DOUSTREAM_KAFKA_BROKERS=b:1", "DOUSTREAM_APPS_0_SECRET_FILE=/nowhere", "DOUSTREAM_SEALING_KEYS_FILE=/nowhere"}
	if _, unknown, faults := load(t, environ, Topics); len(faults) > 0 || len(unknown) > 0 {
		t.Errorf("faults %v, unknown %v", faults, unknown)
	}
}

func TestUnknownVariablesAreNamed(t *testing.T) {
	t.Parallel()
	_, unknown, _ := load(t, good("DOUSTREAM_KAFAK_BROKERS=x", "DOUSTREAM_LOG_LEVEL_FILE=x", "DOUSTREAM_EMPTY="), Enrich)
	if want := []string{"DOUSTREAM_KAFAK_BROKERS", "DOUSTREAM_LOG_LEVEL_FILE"}; !slices.Equal(unknown, want) {
		t.Errorf("unknown %v, want %v", unknown, want)
	}
}

// Every declared variable has words for it, and bounds and a default that can be read.
func TestDeclarations(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, v := range Variables(&Config{}) {
		if seen[v.Name] {
			t.Errorf("%s is declared twice", v.Name)
		}
		seen[v.Name] = true
		if v.Doc == "" || len(v.Uses) == 0 || v.Section == "" {
			t.Errorf("%s lacks words, a use or a section", v.Name)
		}
		if (v.Min == "") != (v.Max == "") {
			t.Errorf("%s has one bound", v.Name)
		}
		for _, text := range []string{v.Min, v.Max} {
			_, numErr := strconv.ParseFloat(text, 64)
			_, durErr := time.ParseDuration(text)
			_, isDuration := v.value.Interface().(time.Duration)
			if text != "" && (isDuration && durErr != nil || !isDuration && numErr != nil) {
				t.Errorf("%s has the bound %q", v.Name, text)
			}
		}
		if v.Secret && v.Default != "" {
			t.Errorf("%s is a secret with a default", v.Name)
		}
	}
}

func TestConnect(t *testing.T) {
	t.Parallel()
	for _, mechanism := range []string{"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"} {
		c, _, faults := load(t, good("DOUSTREAM_KAFKA_SASL_MECHANISM="+mechanism, "DOUSTREAM_KAFKA_SASL_USER=u",
			"DOUSTREAM_KAFKA_SASL_PASSWORD=p", "DOUSTREAM_KAFKA_TLS=true"), Topics)
		if len(faults) > 0 {
			t.Fatal(faults)
		}
		if got := c.Kafka.mechanism().Name(); got != mechanism {
			t.Errorf("mechanism %s, want %s", got, mechanism)
		}
		opts, err := c.Kafka.Connect()
		if err != nil || len(opts) != 4 {
			t.Errorf("%d options, %v", len(opts), err)
		}
	}
}

// An app sends as all do, but for what it says of its own.
func TestAppsSendTheirOwnWay(t *testing.T) {
	t.Parallel()
	c, unknown, faults := load(t, good("DOUSTREAM_NOTIFY_TOKEN=client_token", "DOUSTREAM_NOTIFY_RATE=5",
		"DOUSTREAM_APPS_1_ID=b", "DOUSTREAM_APPS_1_SECRET=s", "DOUSTREAM_APPS_1_NOTIFY_DRIVER=v1", "DOUSTREAM_APPS_1_NOTIFY_RATE=7",
		"DOUSTREAM_APPS_2_ID=c", "DOUSTREAM_APPS_2_SECRET=s", "DOUSTREAM_APPS_2_NOTIFY_TOKEN=stable_client_token", "DOUSTREAM_APPS_2_NOTIFY_IN_FLIGHT=9"), Notify)
	if len(faults) > 0 || len(unknown) > 0 {
		t.Fatal(faults, unknown)
	}
	var got []string
	for _, app := range c.Apps.Apps {
		got = append(got, fmt.Sprint(app.NotifyDriver, " ", app.NotifyToken, " ", app.NotifyRate, " ", app.NotifyInFlight))
	}
	if want := []string{"v2 client_token 5 256", "v1 access_token 7 256", "v2 stable_client_token 5 9"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestTemplates(t *testing.T) {
	t.Parallel()
	c, _, faults := load(t, good("DOUSTREAM_NOTIFY_TEMPLATES=b=long-term, a=one-time:快递派送:thing1"), Notify)
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	a, b := c.Notify.Templates["a"], c.Notify.Templates["b"]
	if a.Kind != "one-time" || !slices.Equal(a.Keywords, []string{"快递派送", "thing1"}) || b.Kind != "long-term" || len(b.Keywords) != 0 {
		t.Errorf("%+v", c.Notify.Templates)
	}
	if got := c.Notify.Templates.String(); got != "a=one-time:快递派送:thing1,b=long-term" {
		t.Errorf("shown as %s", got)
	}
}

// Days that are not set are not asked for; 0 is: for ever.
func TestDaysThatRowsAreKept(t *testing.T) {
	t.Parallel()
	c, _, faults := load(t, good("DOUSTREAM_CLICKHOUSE_USER_EVENTS_DAYS=30", "DOUSTREAM_CLICKHOUSE_DEAD_LETTERS_DAYS=0"), Migrate)
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	if got, want := c.ClickHouse.Days(), map[string]int{"user_events": 30, "dead_letters": 0}; !reflect.DeepEqual(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// A Replicated database cannot be the default one, which is there already.
func TestAReplicatedDatabaseHasANameOfItsOwn(t *testing.T) {
	t.Parallel()
	_, _, faults := load(t, good("DOUSTREAM_CLICKHOUSE_REPLICATION=database", "DOUSTREAM_CLICKHOUSE_DSN=clickhouse://h:9000"), Migrate)
	if got := faults.Variables(); !slices.Equal(got, []string{"DOUSTREAM_CLICKHOUSE_DSN"}) {
		t.Errorf("faults of %v", got)
	}
}
